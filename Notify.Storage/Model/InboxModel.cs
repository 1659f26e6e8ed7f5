using Microsoft.EntityFrameworkCore;

namespace Notify.Storage.Model;

/// <summary>The inbox's tables: marks alone, since notifications are stored once whatever their audience.</summary>
internal static class InboxModel
{
    public static void Build(ModelBuilder modelBuilder)
    {
        // What expired is taken off a topic's count, which its sequences tell: only rows that can expire are looked at.
        modelBuilder.Entity<NotificationRow>()
            .HasIndex(row => new { row.TopicId, row.Version, row.ExpiresAt }).HasFilter("expires_at IS NOT NULL").HasDatabaseName("notifications_expiring");

        modelBuilder.Entity<InboxKeptRow>(kept =>
        {
            kept.ToTable("inbox_kept");
            kept.HasKey(row => row.Version);
            kept.HasIndex(row => new { row.TopicId, row.Version }).HasDatabaseName("inbox_kept_topic");
            kept.HasIndex(row => new { row.TopicId, row.Version, row.ExpiresAt }).HasFilter("expires_at IS NOT NULL").HasDatabaseName("inbox_kept_expiring");
            kept.HasIndex(row => row.Id).HasDatabaseName("inbox_kept_id");
            kept.Property(row => row.Version).HasColumnName("version").ValueGeneratedNever();
            kept.Property(row => row.Id).HasColumnName("id");
            kept.Property(row => row.TopicId).HasColumnName("topic_id");
            kept.Property(row => row.TopicSeq).HasColumnName("topic_seq");
            kept.Property(row => row.PublishedAt).HasColumnName("published_at");
            kept.Property(row => row.ExpiresAt).HasColumnName("expires_at");
            kept.Property(row => row.Content).HasColumnName("content");
        });
        modelBuilder.Entity<InboxMarkRow>(mark =>
        {
            mark.ToTable("inbox_marks");
            mark.HasKey(row => new { row.UserId, row.Version });
            mark.HasIndex(row => new { row.UserId, row.Version }).HasFilter("read_at IS NULL").HasDatabaseName("inbox_marks_unread");
            mark.HasIndex(row => row.Version).HasDatabaseName("inbox_marks_version");
            mark.Property(row => row.UserId).HasColumnName("user_id");
            mark.Property(row => row.Version).HasColumnName("version");
            mark.Property(row => row.TopicId).HasColumnName("topic_id");
            mark.Property(row => row.Order).HasColumnName("mark_order");
            mark.Property(row => row.SeenAt).HasColumnName("seen_at");
            mark.Property(row => row.ReadAt).HasColumnName("read_at");
            mark.Property(row => row.ArchivedAt).HasColumnName("archived_at");
            mark.Property(row => row.ExpiresAt).HasColumnName("expires_at");
        });
        modelBuilder.Entity<InboxWatermarkRow>(watermark =>
        {
            watermark.ToTable("inbox_watermarks");
            watermark.HasKey(row => new { row.UserId, row.Filter });
            watermark.HasIndex(row => row.UpTo).HasDatabaseName("inbox_watermarks_up_to");
            watermark.Property(row => row.UserId).HasColumnName("user_id");
            watermark.Property(row => row.Filter).HasColumnName("filter");
            watermark.Property(row => row.Steps).HasColumnName("steps");
            watermark.Property(row => row.UpTo).HasColumnName("up_to");
        });
    }
}
