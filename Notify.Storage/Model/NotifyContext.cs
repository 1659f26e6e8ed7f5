using Microsoft.EntityFrameworkCore;

namespace Notify.Storage.Model;

/// <summary>
/// The schema, the same for both databases. Append, tail and replay do not pass through here: they use SQL of their own,
/// so that a start with a current schema never pays for building this model.
/// </summary>
internal abstract class NotifyContext(DbContextOptions options) : DbContext(options)
{
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<LogHeadRow>(head =>
        {
            head.ToTable("log_head", table => table.HasCheckConstraint("one_row", "id = 1"));
            head.HasKey(row => row.Id);
            head.Property(row => row.Id).HasColumnName("id").ValueGeneratedNever();
            head.Property(row => row.Epoch).HasColumnName("epoch");
            head.Property(row => row.Oldest).HasColumnName("oldest");
            head.Property(row => row.Settled).HasColumnName("settled");
            head.Property(row => row.SystemIdentifier).HasColumnName("system_identifier");
            head.Property(row => row.Timeline).HasColumnName("timeline");
            head.Property(row => row.TopicsRemoved).HasColumnName("topics_removed").HasDefaultValue(0L);
            head.Property(row => row.TopicsFloor).HasColumnName("topics_floor").HasDefaultValue(0L);
        });
        modelBuilder.Entity<AppendRow>(append =>
        {
            append.ToTable("appends");
            append.HasKey(row => row.LastVersion);
            append.HasIndex(row => row.BatchId).IsUnique().HasDatabaseName("appends_batch_id");
            append.Property(row => row.LastVersion).HasColumnName("last_version").ValueGeneratedNever();
            append.Property(row => row.FirstVersion).HasColumnName("first_version");
            append.Property(row => row.BatchId).HasColumnName("batch_id");
            append.Property(row => row.AppendedAt).HasColumnName("appended_at");
            append.Property(row => row.LastChange).HasColumnName("last_change").HasDefaultValue(0L);
            append.Property(row => row.Answers).HasColumnName("answers");
        });
        modelBuilder.Entity<TopicRow>(topic =>
        {
            topic.ToTable("topics");
            topic.HasKey(row => row.Id);
            topic.HasIndex(row => row.Name).IsUnique().HasDatabaseName("topics_name");
            topic.Property(row => row.Id).HasColumnName("id");
            topic.Property(row => row.Name).HasColumnName("name");
            topic.Property(row => row.LastSeq).HasColumnName("last_seq").HasDefaultValue(0L);
            topic.Property(row => row.Used).HasColumnName("used").HasDefaultValue(0L);

            // What is for users and groups outlives the log, so these are looked at by another age.
            topic.HasIndex([nameof(TopicRow.Used)], "topics_used").HasFilter("name < '$' OR name >= '%'");
            topic.HasIndex([nameof(TopicRow.Used)], "topics_used_reserved").HasFilter("name >= '$' AND name < '%'");
        });
        modelBuilder.Entity<TopicEndRow>(end =>
        {
            end.ToTable("topic_ends");
            end.HasKey(row => new { row.TopicId, row.Until });
            end.HasIndex([nameof(TopicEndRow.TopicId), nameof(TopicEndRow.Until)], "topic_ends_expiring").HasFilter("expiring > 0");
            end.HasIndex([nameof(TopicEndRow.Until)], "topic_ends_until");
            end.Property(row => row.TopicId).HasColumnName("topic_id");
            end.Property(row => row.Until).HasColumnName("until");
            end.Property(row => row.After).HasColumnName("after");
            end.Property(row => row.FirstSeq).HasColumnName("first_seq");
            end.Property(row => row.LastSeq).HasColumnName("last_seq");
            end.Property(row => row.Expiring).HasColumnName("expiring");
            end.Property(row => row.ExpiresBy).HasColumnName("expires_by");
        });
        modelBuilder.Entity<NotificationRow>(notification =>
        {
            notification.ToTable("notifications");
            notification.HasKey(row => row.Version);
            notification.HasIndex(row => new { row.TopicId, row.Version }).HasDatabaseName("notifications_topic");
            notification.HasIndex(row => row.Id).HasDatabaseName("notifications_id");
            notification.Property(row => row.Version).HasColumnName("version").ValueGeneratedNever();
            notification.Property(row => row.Id).HasColumnName("id");
            notification.Property(row => row.Kind).HasColumnName("kind");
            notification.Property(row => row.TopicId).HasColumnName("topic_id");
            notification.Property(row => row.Name).HasColumnName("name");
            notification.Property(row => row.TopicSeq).HasColumnName("topic_seq");
            notification.Property(row => row.PublishedAt).HasColumnName("published_at");
            notification.Property(row => row.ExpiresAt).HasColumnName("expires_at");
            notification.Property(row => row.Content).HasColumnName("content");
        });
        modelBuilder.Entity<IdempotencyRow>(answer =>
        {
            answer.ToTable("idempotency");
            answer.HasKey(row => new { row.Publisher, row.Key });
            answer.HasIndex(row => row.CreatedAt).HasDatabaseName("idempotency_created_at");
            answer.Property(row => row.Publisher).HasColumnName("publisher");
            answer.Property(row => row.Key).HasColumnName("key");
            answer.Property(row => row.RequestHash).HasColumnName("request_hash");
            answer.Property(row => row.Id).HasColumnName("id");
            answer.Property(row => row.Version).HasColumnName("version");
            answer.Property(row => row.Topic).HasColumnName("topic");
            answer.Property(row => row.PublishedAt).HasColumnName("published_at");
            answer.Property(row => row.CreatedAt).HasColumnName("created_at");
        });
        DirectoryModel.Build(modelBuilder);
        InboxModel.Build(modelBuilder);
        NodeModel.Build(modelBuilder);
    }
}
