using System.Buffers;
using Microsoft.AspNetCore.SignalR.Protocol;
using Notify.Server.Wire;
using Notify.Storage.Log;

namespace Notify.Server.Delivery.Frames;

internal sealed class JsonFrameEncoder : FrameEncoder
{
    private const byte RecordSeparator = 0x1e;

    public override FrameFormat Format => FrameFormat.Json;

    public override void WriteNotification(IBufferWriter<byte> output, LogEntry entry)
    {
        output.Write("""{"type":1,"target":"Notification","arguments":["""u8);
        NotificationJson.Write(output, entry);
        output.Write([(byte)']', (byte)'}', RecordSeparator]);
    }

    public override byte[] Control(string method, object payload) =>
        HubProtocols.Json.GetMessageBytes(new InvocationMessage(method, [payload])).ToArray();
}
