using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;

namespace Notify.Storage.Model;

/// <summary>Ids as 16 bytes and times as milliseconds since 1970: what the store's own SQL reads and writes.</summary>
internal sealed class SqliteContext(DbContextOptions<SqliteContext> options) : NotifyContext(options)
{
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        base.OnModelCreating(modelBuilder);
        modelBuilder.Entity<LogHeadRow>(head =>
        {
            // One process and one writer: a topic's sequence is counted in its row, and the file has no timelines.
            head.Ignore(row => row.Settled);
            head.Ignore(row => row.SystemIdentifier);
            head.Ignore(row => row.Timeline);
            head.Ignore(row => row.TopicsRemoved);
        });
        modelBuilder.Ignore<TopicEndRow>(); // the file has no partitions
    }

    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder)
    {
        configurationBuilder.Properties<Guid>().HaveConversion<GuidBytes>();
        configurationBuilder.Properties<DateTimeOffset>().HaveConversion<UnixMilliseconds>();
    }

    private sealed class GuidBytes() : ValueConverter<Guid, byte[]>(
        id => id.ToByteArray(true), bytes => new Guid(bytes, true));

    private sealed class UnixMilliseconds() : ValueConverter<DateTimeOffset, long>(
        time => time.ToUnixTimeMilliseconds(), milliseconds => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds));
}

/// <summary>For <c>dotnet ef migrations add … --context SqliteContext</c>; never used at run time.</summary>
internal sealed class SqliteContextFactory : IDesignTimeDbContextFactory<SqliteContext>
{
    public SqliteContext CreateDbContext(string[] args) =>
        new(new DbContextOptionsBuilder<SqliteContext>().UseSqlite("Data Source=design.db").Options);
}
