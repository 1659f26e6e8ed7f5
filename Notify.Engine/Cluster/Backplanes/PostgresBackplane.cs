using System.Text;
using Notify.Storage.Log;
using Notify.Storage.Postgres;

namespace Notify.Engine.Cluster.Backplanes;

/// <summary>
/// LISTEN/NOTIFY. Its texts are short, so what is known of the entries goes as Base64 and their JSON as it is; a batch
/// that does not fit goes as its position, and the other nodes read it from the log at once.
/// </summary>
internal sealed partial class PostgresBackplane(PostgresChannel channel, LinkMetrics metrics, TimeProvider time, ILogger<PostgresBackplane> logger)
    : IBackplane, IAsyncDisposable
{
    /// <summary>What the contract promises for ephemeral ones; with the longest topic they still fit.</summary>
    private const int LongestEphemeral = 7_000;

    private const char Separator = '\n';

    public bool Crosses => true;

    public int MessageCost => PostgresChannel.TextBytes;

    public bool Splits => false;

    public int EphemeralBytes => LongestEphemeral;

    public int Cost(int metaBytes, int contentBytes) => (metaBytes + 2) / 3 * 4 + 1 + contentBytes;

    public Task SendAsync(IReadOnlyList<EncodedMessage> messages, CancellationToken cancellationToken) =>
        channel.SendAsync([.. messages.Select(ToText)], cancellationToken);

    public async Task ReceiveAsync(Action<ReadOnlyMemory<byte>> received, Action connected, CancellationToken cancellationToken)
    {
        var backoff = Backoff.OfConnection(time);
        var reconnecting = false;
        while (true)
        {
            try
            {
                await channel.ListenAsync(
                    text => received(FromText(text)),
                    () =>
                    {
                        backoff.Reset();
                        if (reconnecting) metrics.Reconnected();
                        connected();
                    },
                    cancellationToken);
            }
            catch (StorageUnavailableException exception)
            {
                metrics.Failed(LinkFailure.Transient);
                Log.NotListening(logger, exception.Message);
                reconnecting = true;
            }

            await backoff.WaitAsync(cancellationToken);
        }
    }

    public ValueTask DisposeAsync() => channel.DisposeAsync();

    internal static string ToText(EncodedMessage message) =>
        Convert.ToBase64String(message.Bytes.AsSpan(0, message.ContentsAt)) + Separator + Encoding.UTF8.GetString(message.Bytes.AsSpan(message.ContentsAt));

    /// <summary>The bytes; empty, which no message is, when it is not one of ours.</summary>
    internal static ReadOnlyMemory<byte> FromText(string text)
    {
        var separator = text.IndexOf(Separator, StringComparison.Ordinal);
        if (separator < 0) return default;
        var contents = text.AsSpan(separator + 1);
        var bytes = new byte[separator / 4 * 3 + Encoding.UTF8.GetByteCount(contents)];
        if (!Convert.TryFromBase64Chars(text.AsSpan(0, separator), bytes, out var meta)) return default;
        return bytes.AsMemory(0, meta + Encoding.UTF8.GetBytes(contents, bytes.AsSpan(meta)));
    }

    private static partial class Log
    {
        [LoggerMessage(4001, LogLevel.Warning,
            "This node receives nothing over LISTEN: {Reason} It finds notifications of other nodes by polling, " +
            "up to a second later, until LISTEN works again.")]
        public static partial void NotListening(ILogger logger, string reason);
    }
}
