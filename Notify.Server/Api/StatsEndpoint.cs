using Notify.Contracts.Wire;
using Notify.Engine.Access;
using Notify.Engine.Cluster;

namespace Notify.Server.Api;

/// <summary><c>GET /stats</c>: what is stored, and which nodes there are.</summary>
internal sealed class StatsEndpoint(NodeLeases leases)
{
    public async Task GetAsync(HttpContext context, Caller caller)
    {
        if (AccessRules.SeeAdministration(caller) is { } refusal)
        {
            await Problem.WriteAsync(context, refusal);
            return;
        }

        var read = await leases.ReadStatisticsAsync(context.RequestAborted);
        await PeopleRequest.WriteAsync(context, StatusCodes.Status200OK, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("epoch"u8, read.Head.Epoch);
            writer.WriteNumber("head"u8, read.Head.Head);
            writer.WriteNumber("oldest"u8, read.Head.Oldest);
            writer.WriteNumber("topics"u8, read.Topics);
            writer.WriteNumber("users"u8, read.Users);
            writer.WriteNumber("connections"u8, read.Nodes.Sum(node => (long)node.Connections));
            writer.WriteStartArray("nodes"u8);
            foreach (var node in read.Nodes)
            {
                writer.WriteStartObject();
                writer.WriteString("node"u8, node.Id);
                writer.WriteString("version"u8, node.Version);
                writer.WriteNumber("connections"u8, node.Connections);
                writer.WriteString("startedAt"u8, Rfc3339Converter.ToText(node.StartedAt));
                writer.WriteNumber("head"u8, node.Head);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        });
    }
}
