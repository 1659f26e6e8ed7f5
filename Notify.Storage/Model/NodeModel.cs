using Microsoft.EntityFrameworkCore;
using Notify.Storage.Nodes;

namespace Notify.Storage.Model;

/// <summary>The tables of the running nodes.</summary>
internal static class NodeModel
{
    public static void Build(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<NodeRow>(node =>
        {
            node.ToTable("nodes");
            node.HasKey(row => row.Id);
            node.Property(row => row.Id).HasColumnName("id").ValueGeneratedNever();
            node.Property(row => row.Version).HasColumnName("version");
            node.Property(row => row.Host).HasColumnName("host");
            node.Property(row => row.StartedAt).HasColumnName("started_at");
            node.Property(row => row.Connections).HasColumnName("connections");
            node.Property(row => row.Head).HasColumnName("head");
            node.Property(row => row.Knows).HasColumnName("knows");
            node.Property(row => row.LeaseUntil).HasColumnName("lease_until");
        });
        modelBuilder.Entity<EntryGateRow>(gate =>
        {
            gate.ToTable("entry_gate", table => table.HasCheckConstraint("one_gate", "id = 1"));
            gate.HasKey(row => row.Id);
            gate.Property(row => row.Id).HasColumnName("id").ValueGeneratedNever();
            gate.Property(row => row.Opened).HasColumnName("opened");
            gate.HasData(new EntryGateRow { Id = 1, Opened = INodes.BaseKind });
        });
    }
}
