using System.Diagnostics;
using System.Globalization;
using Notify.Benchmarks.Load;
using Notify.Benchmarks.Options;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads.People;

/// <summary>
/// U1: a group of a million, nine thousand of them connected, beside a topic with as many followers. U2: ten thousand users with twenty
/// groups and five durable subscriptions come back at once, and what their connections weigh. U3: a changed attribute, and a rule
/// over a million users, beside publishing. And lists over many groups.
/// </summary>
internal static class PeopleWorkload
{
    private const int Users = 1_000_000;
    private const int Groups = 100_000;
    private const int Back = 10_000;
    private const int Published = 100;
    private const int Each = 9_000; // of members and followers, connected side by side: many systems give a process 20,000 open files
    private const int WarmTurns = 2;
    private const int Turns = 10;
    private const int Moves = 2_000;
    private const int Movers = 16;
    private const int Pages = 40;

    private static readonly string SigningKey = SignedToken.NewKey();
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(4);

    public static async Task<WorkloadReport> RunAsync(Laboratory laboratory, Arguments line)
    {
        var scale = double.Parse(line.Text("scale", "1"), CultureInfo.InvariantCulture);
        var only = line.Text("only", "");
        line.RefuseUnknown();

        int Scaled(int full) => Math.Max((int)(full * scale), 100);
        var (users, groups, back) = (Scaled(Users), Scaled(Groups), Scaled(Back));
        var report = new WorkloadReport("people", string.Create(CultureInfo.InvariantCulture, $"{users:N0} users, {groups:N0} groups, {back:N0} connections"));
        for (var run = 1; run <= laboratory.Runs; run++)
        {
            await laboratory.BeginAsync($"people run {run}: filling");
            await using var storage = await PeopleFilling.FillAsync(laboratory, users, groups, back);
            if (only is "" or "u1") await MembersAsync(report, laboratory, storage, users, Scaled(Each));
            if (only is "" or "u2" or "back")
            {
                await ReturnAsync(report, laboratory, storage, back);
                if (only != "back") await WeighAsync(report, laboratory, storage, back);
            }

            if (only is "" or "u3") await RulesAsync(report, laboratory, storage, users);
            if (only is not ("" or "lists")) continue;
            await ListsAsync(report, laboratory, storage, groups);
            await using var small = await PeopleFilling.FillAsync(laboratory, Math.Max(users / 100, 100), Math.Max(groups / 100, 100), 100);
            await ListsAsync(report, laboratory, small, Math.Max(groups / 100, 100));
        }

        report.Notes.Add("U1: server CPU for each delivery, Postgres's apart; rows: of the log for each notification. Best of U1 is a topic, which has no " +
            "members.");
        report.Notes.Add("U2: transactions as Postgres counts them, the tail's polling included. " +
            "Heap after a full collection, of connections that came one after the other; users of no group have no subscription either.");
        report.Notes.Add("U3: the answer to a changed attribute says that the membership is stored and on its way. Publishing: one after the other, before " +
            "and during the work.");
        return report;
    }

    private static async Task MembersAsync(WorkloadReport report, Laboratory laboratory, Storage storage, int users, int each)
    {
        await laboratory.BeginAsync("people: a group and a topic");
        await using var server = await storage.StartServerAsync(withUsers: true);
        using var calls = new PeopleCalls(server);
        var options = new SubscriberOptions { Peer = PeerKind.Notify, Port = server.Port, Connections = each };
        // Members are connected users that follow nothing else; followers have the filter and no user.
        await using var members = await Subscribers.StartAsync(options with { Users = "u" });
        await using var followers = await Subscribers.StartAsync(options);
        // By turns: what the hour and the code that gets better do to one they do to the other.
        for (var turn = 0; turn < WarmTurns + Turns; turn++)
        {
            foreach (var isGroup in (bool[])[turn % 2 == 0, turn % 2 != 0])
            {
                var rows = await storage.NumberAsync("SELECT count(*) FROM notifications");
                var (cpu, postgres, clock) = (CpuClock.OfProcess(server.ProcessId), storage.CpuSeconds, Stopwatch.GetTimestamp());
                for (var i = 0; i < Published; i++)
                    await calls.PublishAsync(isGroup ? "group" : "topic", isGroup ? PeopleFilling.Everybody : LoadTopics.Name(0));
                var deliveries = (long)Published * each;
                var got = await (isGroup ? members : followers).ReportAsync(deliveries);
                if (got.Deliveries != deliveries || got.Problems is not null) report.Invalid.Add($"{(isGroup ? "group" : "topic")}: {got}");
                if (turn < WarmTurns) continue;
                report.Add(
                    isGroup ? string.Create(CultureInfo.InvariantCulture, $"U1 group of {users:N0}") : "U1 topic",
                    ("µs CPU a delivery", (CpuClock.OfProcess(server.ProcessId) - cpu) * 1e6 / deliveries),
                    ("Postgres ms a notification", (storage.CpuSeconds - postgres) * 1e3 / Published),
                    ("rows a notification", (await storage.NumberAsync("SELECT count(*) FROM notifications") - rows) / (double)Published),
                    ("ms until all have it", Stopwatch.GetElapsedTime(clock).TotalMilliseconds / Published));
            }
        }

        report.Ratio(string.Create(CultureInfo.InvariantCulture, $"U1 group of {users:N0}"), "U1 topic", "µs CPU a delivery");
    }

    private static async Task ReturnAsync(WorkloadReport report, Laboratory laboratory, Storage storage, int back)
    {
        foreach (var withUser in (bool[])[false, true])
        {
            await laboratory.BeginAsync($"people: everybody back at once, {(withUser ? "users" : "without a user")}");
            // As in production: with tokens, and without what ASP.NET Core verifies in Development.
            await using var server = await storage.StartServerAsync(signingKey: SigningKey);
            var options = new SubscriberOptions
            {
                Peer = PeerKind.Notify,
                Port = server.Port,
                Connections = back,
                Window = back,
                Topics = back,
                SigningKey = SigningKey,
            };
            await using var first = await Subscribers.StartAsync(options with { Connections = 100, Topics = 100 });
            await Task.Delay(Rest);
            var transactions = await storage.TransactionsAsync();
            var (cpu, postgres) = (CpuClock.OfProcess(server.ProcessId), storage.CpuSeconds);
            await using var all = await Subscribers.StartAsync(withUser ? options with { Users = "u" } : options);
            transactions = await storage.TransactionsAsync() - transactions;
            if (all.Ready.Problems is { } problem) report.Invalid.Add($"U2: {problem}");
            report.Add(
                withUser ? "U2 users" : "U2 without a user",
                ("all back s", all.Ready.ConnectMs / 1000),
                ("transactions", transactions),
                ("server CPU s", CpuClock.OfProcess(server.ProcessId) - cpu),
                ("Postgres CPU s", storage.CpuSeconds - postgres));
        }
    }

    /// <summary>What connections weigh that come one after the other; those that come at once leave larger buffers behind.</summary>
    private static async Task WeighAsync(WorkloadReport report, Laboratory laboratory, Storage storage, int back)
    {
        foreach (var (name, users) in ((string, string)[])[("U2 without a user", ""), ("U2 users of no group", "nobody"), ("U2 users", "u")])
        {
            await laboratory.BeginAsync($"people: memory, {name}");
            await using var server = await storage.StartServerAsync(withProbe: true, withUsers: true);
            var options = new SubscriberOptions { Peer = PeerKind.Notify, Port = server.Port, Connections = back, Topics = back };
            options = options with { Users = users };
            await using var first = await Subscribers.StartAsync(options with { Connections = 200 });
            await Task.Delay(Rest);
            var heap = await server.Probe.HeapBytesAsync();
            await using var all = await Subscribers.StartAsync(options);
            if (all.Ready.Problems is { } problem) report.Invalid.Add($"U2 memory: {problem}");
            await Task.Delay(Rest);
            report.Add(name, ("heap bytes a connection", (await server.Probe.HeapBytesAsync() - heap) / (double)back));
        }
    }

    private static async Task RulesAsync(WorkloadReport report, Laboratory laboratory, Storage storage, int users)
    {
        await laboratory.BeginAsync("people: rules");
        await using var server = await storage.StartServerAsync(withUsers: true);
        using var calls = new PeopleCalls(server);
        for (var i = 0; i < 200; i++) await calls.PublishAsync("topic", "beside");
        await calls.RuleAsync("warm", "@.n < 0");
        await calls.SendAsync(HttpMethod.Delete, "groups/warm", body: null);
        var quiet = await DuringAsync(calls, () => Task.Delay(TimeSpan.FromSeconds(3)));
        report.Add("U3 publish, nothing else", Figures(quiet));

        var fill = 0d;
        report.Add("U3 publish during a first fill of half", Figures(await DuringAsync(calls, async () => fill = await calls.RuleAsync("ruled", "@.n < 50"))));
        var changed = 0d;
        report.Add("U3 publish during a change by 1 %", Figures(await DuringAsync(calls, async () => changed = await calls.RuleAsync("ruled", "@.n < 51"))));
        var members = (await calls.GetAsync("groups/ruled")).Json.GetProperty("members").GetInt64();
        if (members != await storage.NumberAsync("SELECT count(*) FROM users WHERE (attributes->>'n')::int < 51")) report.Invalid.Add($"U3: {members} members");
        report.Add("U3 rule", ("first fill s", fill), ("changed s", changed));

        // Each moves into one group or out of it; the rules are few, the users many.
        var moves = Math.Min(Moves, users);
        var next = -1;
        var took = new List<double>();
        await Task.WhenAll(Enumerable.Range(0, Movers).Select(async _ =>
        {
            for (int i; (i = Interlocked.Increment(ref next)) < moves;)
            {
                var ms = await calls.SendAsync(HttpMethod.Patch, $"users/u{i}/attributes", new { n = i % 100 < 50 ? 90 : 10 });
                lock (took) took.Add(ms);
            }
        }));
        report.Add("U3 attribute that moves its user", Figures(took));
    }

    private static async Task ListsAsync(WorkloadReport report, Laboratory laboratory, Storage storage, int groups)
    {
        await laboratory.BeginAsync("people: lists");
        await using var server = await storage.StartServerAsync(withUsers: true);
        using var calls = new PeopleCalls(server);
        for (var i = 0; i < 20; i++) await calls.GetAsync("groups?limit=100");
        async Task<double> AverageAsync(Func<int, string> path)
        {
            var sum = 0d;
            for (var i = 0; i < Pages; i++) sum += (await calls.GetAsync(path(i))).Ms;
            return sum / Pages;
        }

        string Name(long number) => string.Create(CultureInfo.InvariantCulture, $"g{number:00000000}");
        report.Add(
            string.Create(CultureInfo.InvariantCulture, $"lists, {groups:N0} groups"),
            ("first page of groups ms", await AverageAsync(_ => "groups?limit=100")),
            ("page from within ms", await AverageAsync(i => $"groups?limit=100&after={Name((long)groups * i / Pages)}")),
            ("by prefix ms", await AverageAsync(i => $"groups?limit=100&prefix={Name((long)groups * i / Pages)[..^2]}")),
            ("groups of a user in 1,000 ms", await AverageAsync(_ => $"users/{PeopleFilling.Joiner}/groups?limit=1000")),
            ("members of the group of all ms", await AverageAsync(_ => $"groups/{PeopleFilling.Everybody}/members?limit=100")));
    }

    /// <summary>What publishes take while something else is done.</summary>
    private static async Task<List<double>> DuringAsync(PeopleCalls calls, Func<Task> work)
    {
        using var over = new CancellationTokenSource();
        var publishing = calls.PublishUntilAsync(over.Token);
        await work();
        await over.CancelAsync();
        return await publishing;
    }

    private static (string, double)[] Figures(List<double> milliseconds)
    {
        milliseconds.Sort();
        double At(double part) => milliseconds[(int)((milliseconds.Count - 1) * part)];
        return [("p50 ms", At(0.5)), ("p99 ms", At(0.99)), ("max ms", At(1))];
    }
}
