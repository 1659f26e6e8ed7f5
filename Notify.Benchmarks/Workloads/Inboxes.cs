using System.Diagnostics;
using Notify.Benchmarks.Options;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads;

/// <summary>
/// Inboxes: a summary and a page of a user that follows many topics with many notifications, how that grows, and how soon a
/// connection is told after a publish and a mark, on its node and on another one.
/// </summary>
internal static class Inboxes
{
    private const string User = "ada";

    /// <summary>Longer than the time between two that a connection is told at most.</summary>
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(300);

    private const int PartitionSize = 1000;

    public static async Task<WorkloadReport> RunAsync(Laboratory laboratory, Arguments line)
    {
        var size = new Size(line.Number("topics", 500), line.Number("notifications", 100_000), 0, 0);
        var calls = line.Number("calls", 201);
        var told = line.Number("told", 100);
        var users = line.Number("users", 2000);
        var partitions = line.Number("partitions", 300);
        var only = line.Find("storage");
        var growth = line.Find("growth") != "no";
        line.RefuseUnknown();

        var report =
            new WorkloadReport("inbox", $"inboxes: {size.Topics} topics, {size.Notifications} notifications; the median of {calls} calls, warm, by HTTP");
        foreach (var kind in only is null ? (string[])["postgres", "sqlite"] : [only])
        {
            List<Size> sizes = [size];
            if (growth)
            {
                foreach (var topics in (ReadOnlySpan<int>)[10, 100, 1000]) sizes.Add(size with { Topics = topics });
                sizes.AddRange(new[] { size.Notifications / 100, size.Notifications / 10 }.Select(notifications =>
                    size with { Notifications = notifications }));
                foreach (var marks in (ReadOnlySpan<int>)[100, 1000, 10_000]) sizes.Add(size with { Marks = marks });
                sizes.Add(size with { Users = users });
            }

            foreach (var one in sizes)
            {
                await laboratory.BeginAsync($"inbox: {kind}, {one}");
                await ReadAsync(report, laboratory, kind, one, calls);
            }

            if (kind == "postgres")
            {
                await laboratory.BeginAsync($"inbox: {kind}, 1,000 quiet topics over {partitions} partitions");
                await ReadQuietAsync(report, laboratory, partitions, calls);
            }

            await laboratory.BeginAsync($"inbox: {kind}, who is told");
            await TellAsync(report, laboratory, kind, told);
        }

        report.Notes.Add("Goals: summary and page 20 ms; told: p99 100 ms on one node, 300 ms across two.");
        report.Notes.Add("Told: from the call that publishes or marks until the connection has the counts with it. A page has 100 items.");
        return report;
    }

    private static async Task ReadAsync(WorkloadReport report, Laboratory laboratory, string kind, Size size, int calls)
    {
        await using var storage = await laboratory.NewStorageAsync(kind);
        await using var server = await storage.StartOpenServerAsync();
        using var client = new InboxClient(server);
        string[] topics = [.. Enumerable.Range(0, size.Topics).Select(i => $"feed/{i}")];
        await client.FollowAsync(User, topics);
        await Parallel.ForAsync(0, size.Users, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) =>
            await client.FollowAsync($"user{i}", topics.Take(5)));
        var random = new Random(1);
        await client.PublishAsync(Enumerable.Range(0, size.Notifications).Select(_ => topics[random.Next(topics.Length)]));
        if (size.Marks > 0)
        {
            var head = (await client.GetAsync($"users/{User}/inbox/summary")).GetProperty("head").GetInt64();
            foreach (var versions in Enumerable.Range(0, Math.Min(size.Marks, size.Notifications)).Select(i => head - (9L * i)).Chunk(1000))
                await client.MarkAsync(User, "read", new { versions });
        }

        await MeasureAsync(report, $"{kind}, {size}", client, calls);
    }

    private static async Task ReadQuietAsync(WorkloadReport report, Laboratory laboratory, int partitions, int calls)
    {
        await using var storage = await laboratory.NewStorageAsync("postgres");
        await using (await storage.StartOpenServerAsync())
        {
            // It makes the schema.
        }

        await PostgresInstance.ExecuteAsync(storage.ConnectionString!, $"""
            DO $$
            DECLARE name text; first bigint;
            BEGIN
                FOR name IN SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'notifications'::regclass LOOP EXECUTE 'DROP TABLE ' || name; END LOOP;
                FOR part IN 0..{partitions} LOOP
                    first := 1 + part::bigint * {PartitionSize};
                    EXECUTE format('CREATE TABLE notifications_%s PARTITION OF notifications FOR VALUES FROM (%s) TO (%s)', first, first, first + {PartitionSize});
                END LOOP;
            END $$
            """);
        await using var server = await storage.StartOpenServerAsync();
        using var client = new InboxClient(server);
        string[] topics = [.. Enumerable.Range(0, 1000).Select(i => $"quiet/{i}")];
        await client.FollowAsync(User, topics);
        var quiet = 0;
        var rows = partitions * PartitionSize;
        await client.PublishAsync(Enumerable.Range(0, rows)
            .Select(i => i % (rows / topics.Length) == 0 && quiet < topics.Length ? topics[quiet++] : $"busy/{i % 50}"));
        var patience = Stopwatch.StartNew();
        while (await storage.NumberAsync("SELECT settled FROM log_head") < rows - PartitionSize && patience.Elapsed < TimeSpan.FromMinutes(3))
            await Task.Delay(500);
        await MeasureAsync(report, $"postgres, 1,000 quiet topics over {partitions} partitions", client, calls);
        var head = (await client.GetAsync($"users/{User}/inbox/summary")).GetProperty("head").GetInt64();
        await client.MarkAsync(User, "read", new { upTo = head });
        await MeasureAsync(report, $"postgres, the same, all read", client, calls);
    }

    private static async Task MeasureAsync(WorkloadReport report, string name, InboxClient client, int calls)
    {
        var neighbours = new Neighbours();
        var medians = await client.MediansAsync([$"users/{User}/inbox/summary", $"users/{User}/inbox?limit=100"], calls);
        report.Add(name, ("summary ms", medians[0]), ("page ms", medians[1]), ("others' CPU", neighbours.Cores));
    }

    private static async Task TellAsync(WorkloadReport report, Laboratory laboratory, string kind, int times)
    {
        await using var storage = await laboratory.NewStorageAsync(kind);
        await using var one = await storage.StartOpenServerAsync();
        await TellAsync(report, $"{kind}, told on the same node", one, one, times);
        if (kind != "postgres") return;
        await using var other = await storage.StartOpenServerAsync();
        await TellAsync(report, $"{kind}, told on another node", one, other, times);
    }

    private static async Task TellAsync(WorkloadReport report, string name, RunningServer calls, RunningServer tells, int times)
    {
        using var client = new InboxClient(calls);
        await using var listener = await InboxListener.StartAsync(tells, User);
        var (published, marked) = (new List<double>(), new List<double>());
        for (var i = -10; i < times; i++)
        {
            await Task.Delay(Between);
            var begun = Stopwatch.GetTimestamp();
            var version = await client.PublishToAsync(User);
            var at = await listener.ToldAsync(version);
            if (i >= 0) published.Add(Stopwatch.GetElapsedTime(begun, at).TotalMilliseconds);

            await Task.Delay(Between);
            begun = Stopwatch.GetTimestamp();
            var rev = (await client.MarkAsync(User, "read", new { upTo = version })).GetProperty("rev").GetInt64();
            at = await listener.ToldAsync(rev);
            if (i >= 0) marked.Add(Stopwatch.GetElapsedTime(begun, at).TotalMilliseconds);
        }

        report.Add(name, ("publish p50 ms", At(published, 0.5)), ("publish p99 ms", At(published, 0.99)), ("mark p50 ms", At(marked, 0.5)),
            ("mark p99 ms", At(marked, 0.99)));
    }

    private static double At(List<double> times, double share) =>
        times.Order().ElementAt((int)Math.Min(times.Count - 1, Math.Ceiling(share * times.Count) - 1));

    private sealed record Size(int Topics, int Notifications, int Marks, int Users)
    {
        public override string ToString() =>
            $"{Topics} topics, {Notifications} notifications{(Marks > 0 ? $", {Marks} single marks" : "")}{(Users > 0 ? $", {Users} other users" : "")}";
    }
}
