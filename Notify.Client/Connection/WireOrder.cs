using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Protocol;
using Notify.Contracts.Hub;

namespace Notify.Client.Connection;

/// <summary>
/// SignalR hands calls from the server to one loop and answers to another, so counts that follow the answer to Reauthenticate on
/// the wire may be seen before it, and would then be dropped with those from before it. The protocol sees everything in order.
/// </summary>
internal sealed class WireOrder(IHubProtocol inner, Action<InboxChanged> counts, Action reauthenticated) : IHubProtocol
{
    private readonly ConcurrentDictionary<string, bool> _reauthentications = new(StringComparer.Ordinal);

    public string Name => inner.Name;

    public int Version => inner.Version;

    public TransferFormat TransferFormat => inner.TransferFormat;

    public bool IsVersionSupported(int version) => inner.IsVersionSupported(version);

    public ReadOnlyMemory<byte> GetMessageBytes(HubMessage message) => inner.GetMessageBytes(Note(message));

    public void WriteMessage(HubMessage message, IBufferWriter<byte> output) => inner.WriteMessage(Note(message), output);

    public bool TryParseMessage(ref ReadOnlySequence<byte> input, IInvocationBinder binder, out HubMessage message)
    {
        if (!inner.TryParseMessage(ref input, binder, out message!)) return false;
        if (message is CompletionMessage { InvocationId: { } id, Error: null } && _reauthentications.TryRemove(id, out _)) reauthenticated();
        else if (message is InvocationMessage { Target: ClientMethods.InboxChanged, Arguments: [InboxChanged changed] }) counts(changed);
        return true;
    }

    private HubMessage Note(HubMessage message)
    {
        if (message is InvocationMessage { Target: HubMethods.Reauthenticate, InvocationId: { } id }) _reauthentications[id] = true;
        return message;
    }
}
