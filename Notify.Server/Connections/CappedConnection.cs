using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace Notify.Server.Connections;

/// <summary>A connection that is counted until its file is closed.</summary>
internal sealed class CappedConnection(ConnectionContext inner, ConnectionCap cap, long since) : ConnectionContext
{
    private int _disposed;

    /// <summary>Its place among those beyond the cap that have not asked anything yet. Under the cap's lock.</summary>
    public LinkedListNode<CappedConnection>? Beyond { get; set; }

    /// <summary>Whether it is closed after the request that it is at. Under the cap's lock.</summary>
    public bool IsLast { get; set; }

    /// <summary>When it was taken.</summary>
    public long Since => since;

    public override string ConnectionId
    {
        get => inner.ConnectionId;
        set => inner.ConnectionId = value;
    }

    public override IFeatureCollection Features => inner.Features;

    public override IDictionary<object, object?> Items
    {
        get => inner.Items;
        set => inner.Items = value;
    }

    public override IDuplexPipe Transport
    {
        get => inner.Transport;
        set => inner.Transport = value;
    }

    public override CancellationToken ConnectionClosed
    {
        get => inner.ConnectionClosed;
        set => inner.ConnectionClosed = value;
    }

    public override EndPoint? LocalEndPoint
    {
        get => inner.LocalEndPoint;
        set => inner.LocalEndPoint = value;
    }

    public override EndPoint? RemoteEndPoint
    {
        get => inner.RemoteEndPoint;
        set => inner.RemoteEndPoint = value;
    }

    public override void Abort(ConnectionAbortedException abortReason) => inner.Abort(abortReason);

    public override void Abort() => inner.Abort();

    public override async ValueTask DisposeAsync()
    {
        try
        {
            await inner.DisposeAsync();
        }
        finally
        {
            if (Interlocked.Exchange(ref _disposed, 1) == 0) cap.Closed(this);
        }

        await base.DisposeAsync();
    }
}
