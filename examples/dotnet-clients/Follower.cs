using Notify.Client;

namespace DotnetClients;

/// <summary>Prints what it follows, and where it stands. Stopped and started again it prints what it missed.</summary>
internal static class Follower
{
    public static async Task RunAsync(Uri url, string[] topics)
    {
        using var stop = new CancellationTokenSource();
        Console.CancelKeyPress += (_, pressed) =>
        {
            pressed.Cancel = true;
            stop.Cancel();
        };

        await using var client = new NotifyClient(new NotifyClientOptions
        {
            Url = url,
            Topics = topics,
            CursorStore = new FileCursorStore("follower.cursor.json"), // one for each set of topics
        });
        client.StateChanged += state => Console.WriteLine(state switch
        {
            NotifyClientState.Retrying retrying => $"-- {retrying.Why.Message} Trying again at {retrying.When:T}.",
            NotifyClientState.Failed failed => $"-- refused: {failed.Why.Message}",
            _ => $"-- {state.Name}",
        });
        client.GapFound += gap => Console.WriteLine($"-- what was between {gap.Since} and {gap.Oldest} is no longer kept");

        try
        {
            await client.StartAsync(stop.Token);
            await foreach (var notification in client.Notifications.WithCancellation(stop.Token))
                Console.WriteLine($"#{notification.Version} {notification.Topic}: {notification.Title ?? notification.Body}");
        }
        catch (OperationCanceledException)
        {
            // Ctrl+C; leaving the block saves the place.
        }
    }
}
