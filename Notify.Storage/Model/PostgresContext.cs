using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace Notify.Storage.Model;

internal sealed class PostgresContext(DbContextOptions<PostgresContext> options) : NotifyContext(options)
{
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        base.OnModelCreating(modelBuilder);

        // Ordinal order whatever the database's locale: prefix ranges need it, and a glibc update cannot corrupt the index.
        modelBuilder.Entity<TopicRow>().Property(row => row.Name).UseCollation("C");
        modelBuilder.Entity<NotificationRow>().Property(row => row.Name).UseCollation("C");
        modelBuilder.Entity<IdempotencyRow>(answer =>
        {
            answer.Property(row => row.Publisher).UseCollation("C");
            answer.Property(row => row.Key).UseCollation("C");
            answer.Property(row => row.Topic).UseCollation("C");
        });
        modelBuilder.Entity<UserRow>(user =>
        {
            user.Property(row => row.Name).UseCollation("C");
            user.Property(row => row.Attributes).HasColumnType("jsonb");
        });
        modelBuilder.Entity<GroupRow>().Property(row => row.Name).UseCollation("C");
        modelBuilder.Entity<SubscriptionRow>().Property(row => row.Filter).UseCollation("C");
        modelBuilder.Entity<DeviceRow>().Property(row => row.Device).UseCollation("C");
        modelBuilder.Entity<ApiKeyRow>().Property(row => row.Id).UseCollation("C");
        modelBuilder.Entity<InboxWatermarkRow>().Property(row => row.Filter).UseCollation("C");
        modelBuilder.Entity<DirectoryRow>().Ignore(row => row.Stamp); // a transaction's id is one
    }
}

/// <summary>For <c>dotnet ef migrations add … --context PostgresContext</c>; never used at run time.</summary>
internal sealed class PostgresContextFactory : IDesignTimeDbContextFactory<PostgresContext>
{
    public PostgresContext CreateDbContext(string[] args) =>
        new(new DbContextOptionsBuilder<PostgresContext>().UseNpgsql("Host=localhost;Database=design").Options);
}
