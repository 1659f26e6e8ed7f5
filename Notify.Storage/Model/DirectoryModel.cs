using Microsoft.EntityFrameworkCore;

namespace Notify.Storage.Model;

/// <summary>
/// The directory's tables. Without foreign keys: a row is checked under the log's lock, and a reference would lock users in
/// an order of its own.
/// </summary>
internal static class DirectoryModel
{
    // Interval.Open, as the indexes' conditions have it.
    private const string Open = "9223372036854775807";
    private const string IsOpen = $"until = {Open}";

    // What is over is dropped by its end.
    private const string IsClosed = $"until <> {Open}";

    public static void Build(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<UserRow>(user =>
        {
            user.ToTable("users");
            user.HasKey(row => row.Id);
            user.HasIndex(row => row.Name).IsUnique().HasDatabaseName("users_name");
            user.HasIndex(row => row.AttributesStamp).HasDatabaseName("users_attributes_stamp");
            user.Property(row => row.Id).HasColumnName("id");
            user.Property(row => row.Name).HasColumnName("name");
            user.Property(row => row.Attributes).HasColumnName("attributes");
            user.Property(row => row.AttributesStamp).HasColumnName("attributes_stamp").HasDefaultValue(0L);
            user.Property(row => row.ClaimsIssuedAt).HasColumnName("claims_issued_at");
            user.Property(row => row.LastSeenAt).HasColumnName("last_seen_at");
        });
        modelBuilder.Entity<GroupRow>(group =>
        {
            group.ToTable("groups");
            group.HasKey(row => row.Id);
            group.HasIndex(row => row.Name).IsUnique().HasFilter(IsOpen).HasDatabaseName("groups_name");
            group.HasIndex(row => row.RuleRevision).HasFilter("rule IS NOT NULL").HasDatabaseName("groups_rule_revision");
            group.HasIndex([nameof(GroupRow.Id)], "groups_pending").HasFilter("pending");
            group.HasIndex([nameof(GroupRow.Id)], "groups_ended").HasFilter($"members > 0 AND until <> {Open}");
            group.HasIndex([nameof(GroupRow.Until)], "groups_closed").HasFilter(IsClosed);
            group.Property(row => row.Id).HasColumnName("id").ValueGeneratedNever();
            group.Property(row => row.Name).HasColumnName("name");
            group.Property(row => row.Since).HasColumnName("since");
            group.Property(row => row.Until).HasColumnName("until");
            group.Property(row => row.Rule).HasColumnName("rule");
            group.Property(row => row.RuleRevision).HasColumnName("rule_revision");
            group.Property(row => row.Pending).HasColumnName("pending");
            group.Property(row => row.Members).HasColumnName("members");
            group.Property(row => row.LeaseOwner).HasColumnName("lease_owner");
            group.Property(row => row.LeaseExpiresAt).HasColumnName("lease_expires_at");
        });
        modelBuilder.Entity<MembershipRow>(membership =>
        {
            // By end: what a session needs of a user is one range, however often the user came and went.
            membership.ToTable("memberships");
            membership.HasKey(row => new { row.UserId, row.Until, row.GroupId });
            membership.HasIndex(row => new { row.GroupId, row.UserId }).IsUnique().HasFilter(IsOpen).HasDatabaseName("memberships_group");
            membership.HasIndex([nameof(MembershipRow.Until)], "memberships_closed").HasFilter(IsClosed);
            membership.Property(row => row.UserId).HasColumnName("user_id");
            membership.Property(row => row.Until).HasColumnName("until");
            membership.Property(row => row.GroupId).HasColumnName("group_id");
            membership.Property(row => row.Since).HasColumnName("since");
        });
        modelBuilder.Entity<SubscriptionRow>(subscription =>
        {
            subscription.ToTable("subscriptions");
            subscription.HasKey(row => new { row.UserId, row.Until, row.Filter });
            subscription.HasIndex([nameof(SubscriptionRow.Until)], "subscriptions_closed").HasFilter(IsClosed);
            subscription.Property(row => row.UserId).HasColumnName("user_id");
            subscription.Property(row => row.Until).HasColumnName("until");
            subscription.Property(row => row.Filter).HasColumnName("filter");
            subscription.Property(row => row.Since).HasColumnName("since");
        });
        modelBuilder.Entity<DeviceRow>(device =>
        {
            device.ToTable("devices");
            device.HasKey(row => new { row.UserId, row.Device });
            device.Property(row => row.UserId).HasColumnName("user_id");
            device.Property(row => row.Device).HasColumnName("device");
            device.Property(row => row.Epoch).HasColumnName("epoch");
            device.Property(row => row.Version).HasColumnName("version");
            device.Property(row => row.SeenAt).HasColumnName("seen_at");
        });
        modelBuilder.Entity<ApiKeyRow>(key =>
        {
            key.ToTable("api_keys");
            key.HasKey(row => row.Id);
            key.HasIndex(row => row.Number).IsUnique().HasDatabaseName("api_keys_number");
            key.Property(row => row.Id).HasColumnName("id").ValueGeneratedNever();
            key.Property(row => row.Number).HasColumnName("number");
            key.Property(row => row.Name).HasColumnName("name");
            key.Property(row => row.Hash).HasColumnName("hash");
            key.Property(row => row.Publish).HasColumnName("publish");
            key.Property(row => row.Subscribe).HasColumnName("subscribe");
            key.Property(row => row.Admin).HasColumnName("admin");
            key.Property(row => row.CreatedAt).HasColumnName("created_at");
            key.Property(row => row.ExpiresAt).HasColumnName("expires_at");
            key.Property(row => row.LastUsedAt).HasColumnName("last_used_at");
        });
        modelBuilder.Entity<TokenRevocationRow>(revocation =>
        {
            revocation.ToTable("token_revocations");
            revocation.HasKey(row => row.UserId);
            revocation.Property(row => row.UserId).HasColumnName("user_id").ValueGeneratedNever();
            revocation.Property(row => row.IssuedBefore).HasColumnName("issued_before");
            revocation.Property(row => row.Version).HasColumnName("version");
        });
        modelBuilder.Entity<DirectoryRow>(directory =>
        {
            directory.ToTable("directory", table => table.HasCheckConstraint("one_directory", "id = 1"));
            directory.HasKey(row => row.Id);
            directory.Property(row => row.Id).HasColumnName("id").ValueGeneratedNever();
            directory.Property(row => row.RulesRevision).HasColumnName("rules_revision");
            directory.Property(row => row.KeysStored).HasColumnName("keys_stored");
            directory.Property(row => row.Stamp).HasColumnName("stamp");
        });
    }
}
