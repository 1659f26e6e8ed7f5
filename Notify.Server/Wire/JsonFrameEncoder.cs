using System.Buffers;
using Microsoft.AspNetCore.SignalR.Protocol;
using Notify.Engine.Delivery.Frames;
using Notify.Storage.Log;

namespace Notify.Server.Wire;

internal sealed class JsonFrameEncoder() : FrameEncoder(FrameFormat.Json)
{
    private const byte RecordSeparator = 0x1e;

    public override void WriteNotification(IBufferWriter<byte> output, LogEntry entry)
    {
        output.Write("""{"type":1,"target":"Notification","arguments":["""u8);
        NotificationJson.Write(output, entry);
        output.Write([(byte)']', (byte)'}', RecordSeparator]);
    }

    public override ReadOnlyMemory<byte> Control(string method, object payload) =>
        HubProtocols.Json.GetMessageBytes(new InvocationMessage(method, [payload])).ToArray();

    public override object Package(ReadOnlyMemory<byte> bytes) => FrameEncoders.HubMessage(FrameEncoders.JsonProtocol, bytes);
}
