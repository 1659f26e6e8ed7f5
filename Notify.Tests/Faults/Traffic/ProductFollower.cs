using Microsoft.AspNetCore.Http.Connections;
using Microsoft.Extensions.Logging.Abstractions;
using Notify.Client;
using Notify.Client.MessagePack;
using Notify.Tests.Faults.Checking;

namespace Notify.Tests.Faults.Traffic;

/// <summary>A subscriber with the product's client, through one address behind which are all nodes.</summary>
internal sealed class ProductFollower : IFollower
{
    private readonly string _name;
    private readonly NotifyClient _client;
    private readonly Task _reading;

    public ProductFollower(string name, Uri mode, string[] filters, IReadOnlySet<string> topics, Recorder recorder, bool messagePack)
    {
        (_name, Topics, Recorder) = (name, topics, recorder);
        var options = new NotifyClientOptions
        {
            Url = mode,
            Topics = filters,
            CursorStore = new MemoryCursorStore(),
            MaxReconnectDelay = TimeSpan.FromMilliseconds(500),
            ConfigureConnection = connection => (connection.SkipNegotiation, connection.Transports) = (true, HttpTransportType.WebSockets),
            LoggerFactory = NullLoggerFactory.Instance,
        };
        _client = new NotifyClient(messagePack ? options.WithMessagePack() : options);
        _client.GapFound += gap => recorder.Add(new Seen.Gap(recorder.Now, gap.Oldest, gap.Epoch, gap.Reason));
        _client.CaughtUp += place => recorder.Add(new Seen.Place(recorder.Now, place.Head, place.Epoch), caughtUp: true);
        _reading = ReadAsync();
    }

    public Recorder Recorder { get; }

    public IReadOnlySet<string> Topics { get; }

    public Journal Journal => new(_name, Topics, Recorder.Snapshot(), DuplicatesDropped: _client.DuplicatesDropped);

    public async ValueTask DisposeAsync()
    {
        await _client.StopAsync();
        await _reading;
        await _client.DisposeAsync();
    }

    private async Task ReadAsync()
    {
        try
        {
            await _client.StartAsync();
        }
        catch (OperationCanceledException)
        {
            return; // stopped before it ever started
        }

        await foreach (var it in _client.Notifications)
            Recorder.Add(new Seen.Received(Recorder.Now, it.Version!.Value, it.Id.ToString(), it.Topic, it.Body!));
    }
}
