using System.Globalization;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;
using Notify.Engine.Cluster;
using Notify.Engine.Configuration;
using Notify.Server.Configuration;

namespace Notify.Server.Connections;

/// <summary>
/// How many connections the process takes, so that it never runs out of open files: without one it cannot read its database, load
/// a part of itself or answer a probe, and the runtime ends it.
/// </summary>
/// <remarks>
/// A few more are taken than there is room for. Each of those is answered one request: health and metrics as always, everything else
/// with a refusal that sends the client to another node. One that asks nothing makes room for the next, so that a probe is answered
/// while a client opens thousands of connections; beyond them connections wait in the kernel.
/// </remarks>
internal sealed partial class ConnectionCap(IOptions<NotifyOptions> options, TimeProvider time, ILogger<ConnectionCap> logger) : IDisposable
{
    /// <summary>Taken beyond the cap, to be answered and closed.</summary>
    public const int Surplus = 64;

    /// <summary>
    /// Kept for what is opened after the start: the database's connections, parts of the program that are loaded when they are first
    /// needed, and <see cref="Surplus"/>.
    /// </summary>
    public const int Kept = 192;

    private const string HowToRaise = "LimitNOFILE= in a systemd unit, ulimits: nofile: in a compose file, ulimit -n in a shell";

    /// <summary>Fewer are not worth a start.</summary>
    private const int Fewest = 32;

    /// <summary>What a connection beyond the cap has to send its request before it may have to make room.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LogInterval = TimeSpan.FromMinutes(10);

    private readonly Lock _lock = new();
    private readonly LinkedList<CappedConnection> _beyond = new();
    private readonly Occasionally _log = new(time, LogInterval);
    private readonly SemaphoreSlim _closed = new(0);
    private long? _files;
    private int _open;
    private int _waiting;

    /// <summary>How many are taken; set by <see cref="Settle()"/>.</summary>
    public int Most { get; private set; } = int.MaxValue;

    /// <summary>Decides how many, before the first is taken and when everything else has been opened.</summary>
    /// <exception cref="SettingsException">The process's limit is too low.</exception>
    public void Settle() => Settle(OpenFiles.Limit(), OpenFiles.Count());

    /// <param name="limit">Of open files; null for none.</param>
    /// <param name="open">Open now.</param>
    internal void Settle(long? limit, int open)
    {
        var wanted = options.Value.Limits.Connections;
        _files = limit;
        if (limit is null)
        {
            Most = wanted == 0 ? int.MaxValue : wanted;
            return;
        }

        var room = Math.Min(limit.Value - open - Kept, int.MaxValue);
        if (room < Fewest) throw TooFewFiles(limit.Value, open + Kept);
        if (wanted > room)
            throw new SettingsException($"The setting Notify:Limits:Connections is {wanted}, but this process may have {limit} open files, of which it " +
                $"needs {open + Kept} itself: raise that limit ({HowToRaise}), or lower the setting to {room} or less.");
        Most = wanted == 0 ? (int)room : wanted;
    }

    public static SettingsException TooFewFiles(long limit, int needed) =>
        new($"This process may have {limit} open files and needs {needed} itself: raise the limit ({HowToRaise}) to 1024 or more.");

    /// <summary>Waits until one more may be taken.</summary>
    public async ValueTask WaitForRoomAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            CappedConnection? oldest;
            TimeSpan left;
            lock (_lock)
            {
                if (_open < Most || _open - Most < Surplus) return;
                oldest = _beyond.First?.Value;
                left = oldest is null ? Grace : Grace - time.GetElapsedTime(oldest.Since);
                if (oldest is not null && left <= TimeSpan.Zero) _beyond.RemoveFirst();
                _waiting++;
            }

            if (oldest is not null && left <= TimeSpan.Zero) oldest.Abort(new ConnectionAbortedException("The node has as many connections as it may."));
            await _closed.WaitAsync(left > TimeSpan.Zero ? left : Grace, cancellationToken);
            lock (_lock) _waiting--;
        }
    }

    /// <summary>Counts a connection until it is disposed of.</summary>
    public ConnectionContext Take(ConnectionContext connection)
    {
        var taken = new CappedConnection(connection, this, time.GetTimestamp());
        lock (_lock)
        {
            if (++_open <= Most) return taken;
            taken.Beyond = _beyond.AddLast(taken);
        }

        taken.Features.Set(taken);
        if (_log.Now(out _)) Log.Full(logger, Most, _files?.ToString(CultureInfo.InvariantCulture) ?? "unlimited");
        return taken;
    }

    /// <summary>A connection that was taken beyond the cap asks something: whether it still is, and this request is its last.</summary>
    public bool IsBeyond(CappedConnection connection)
    {
        lock (_lock)
        {
            if (connection.Beyond is not { } node) return connection.IsLast;
            connection.Beyond = null;
            if (node.List is not null) _beyond.Remove(node); // it has asked something: no longer one that makes room
            connection.IsLast = _open > Most;
            return connection.IsLast;
        }
    }

    public void Dispose() => _closed.Dispose();

    internal void Closed(CappedConnection connection)
    {
        lock (_lock)
        {
            _open--;
            if (connection.Beyond is { List: not null } node) _beyond.Remove(node);
            connection.Beyond = null;
            if (_waiting > 0) _closed.Release();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(6101, LogLevel.Warning,
            "This node has {Most} connections, as many as it takes (open files: {Files}); more are answered 503 until some have gone. Raise the limit of " +
            "open files (" + HowToRaise + ") or Notify:Limits:Connections, or add a node.")]
        public static partial void Full(ILogger logger, int most, string files);
    }
}
