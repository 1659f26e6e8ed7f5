using Notify.Engine.Access;

namespace Notify.Server.Authentication;

/// <summary>The caller of a connection, which a fresh token may replace while the connection lives.</summary>
internal sealed class LiveCaller(Caller caller)
{
    private Caller _current = caller;

    public Caller Current
    {
        get => Volatile.Read(ref _current);
        set => Volatile.Write(ref _current, value);
    }
}
