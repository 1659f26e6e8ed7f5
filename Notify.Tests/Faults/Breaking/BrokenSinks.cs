using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Sessions;

namespace Notify.Tests.Faults.Breaking;

/// <summary>Without ordering: now and then a frame waits until the one after it has gone.</summary>
internal sealed class OvertakingSink(ISessionSink inner) : ISessionSink
{
    private const int Every = 5;

    private EncodedFrame? _waiting;
    private int _written;

    public FrameEncoder Encoder => inner.Encoder;

    public async ValueTask WriteAsync(EncodedFrame frame)
    {
        if (++_written % Every == 0)
        {
            _waiting = frame;
            return;
        }

        await inner.WriteAsync(frame);
        if (_waiting is not { } overtaken) return;
        _waiting = null;
        await inner.WriteAsync(overtaken);
    }

    public void CloseForReconnect() => inner.CloseForReconnect();
}

/// <summary>Without de-duplication: what a session has had comes again, as if nobody looked at its cursor.</summary>
internal sealed class RepeatingSink(ISessionSink inner) : ISessionSink
{
    private const int Every = 5;

    private int _written;

    public FrameEncoder Encoder => inner.Encoder;

    public async ValueTask WriteAsync(EncodedFrame frame)
    {
        await inner.WriteAsync(frame);
        if (++_written % Every == 0) await inner.WriteAsync(frame);
    }

    public void CloseForReconnect() => inner.CloseForReconnect();
}
