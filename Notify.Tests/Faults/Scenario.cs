using System.Diagnostics;
using System.Text.Json;
using Notify.Tests.Faults.Checking;
using Notify.Tests.Faults.Members;
using Notify.Tests.Faults.Traffic;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Faults;

/// <summary>One fault under traffic: before it, during it, after it; then the checker's word.</summary>
internal static class Scenario
{
    private const int Warm = 60;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static int _runs;

    public static async Task<FaultRun> RunAsync(FaultStage stage, Fault fault, int seed, TimeSpan bound)
    {
        try
        {
            return await TryAsync(stage, fault, seed, bound);
        }
        catch (Exception error)
        {
            // A node that has stopped by itself is the usual cause, and its output goes with it.
            var stopped = await stage.StoppedAsync();
            if (stopped.Length == 0) throw;
            throw new InvalidOperationException($"{error.Message}{stopped}", error);
        }
    }

    private static async Task<FaultRun> TryAsync(FaultStage stage, Fault fault, int seed, TimeSpan bound)
    {
        var took = Stopwatch.StartNew();
        var topic = $"faults-{Interlocked.Increment(ref _runs)}";
        await using var ground = new Ground(stage, seed);
        var inbox = new InboxChecker(topic, () => stage.Nodes.Select(node => node.Server.Http));
        await inbox.BeginAsync();
        await Task.WhenAll(ground.Crowd.StartAsync(topic), ground.Members.StartAsync(topic));
        await ground.AckedMoreAsync(Warm);

        await fault.RunAsync(ground);
        ground.Healed();
        await AnsweredAgainAsync(ground);
        await ground.Crowd.StopPublishingAsync(Patience);
        var published = ground.Crowd.Published.ToList();
        await ground.Crowd.ReceiveAsync([.. published.Where(it => Survives(it, ground.WhatWasDestroyed))], Patience);

        var members = MemberChecker.Check(await ground.Members.StopAsync(ground.WhatWasDestroyed, Patience));

        var readings = new List<Journal>();
        var topics = ground.Crowd.Followers[0].Topics;
        foreach (var node in stage.Nodes) readings.Add(await ReadAsync(node, topic, topics, ground.Now));
        var history = new History(published, [.. await ground.Crowd.LeaveAsync(), .. readings])
        {
            Destroyed = ground.WhatWasDestroyed,
            Replaced = fault.ReplacesTheLog,
            HealedAt = ground.HealedAt,
            Bound = bound,
        };
        var result = Checker.Check(history);
        return new FaultRun(fault.Name, seed, took.Elapsed, history, result with { Findings = [.. result.Findings, .. members, .. await inbox.CheckAsync()] });
    }

    private static async Task AnsweredAgainAsync(Ground ground)
    {
        // Waits without failing: a publisher that is never answered again is the checker's finding.
        var deadline = ground.Now + Patience;
        bool Answered(FaultPublisher publisher) => publisher.Published.Sum(it => it.Acks.Count(ack => ack.At > ground.HealedAt)) >= 5;
        while (ground.Now < deadline && !ground.Crowd.Publishers.TrueForAll(Answered))
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
    }

    private static bool Survives(Published published, IReadOnlyList<Destroyed> destroyed) =>
        published.Acks.Count > 0 && !published.Acks.Any(ack => destroyed.Any(gone => ack.At >= gone.From && ack.At <= gone.To));

    /// <summary>What a node lists at the end, as one more subscriber.</summary>
    private static async Task<Journal> ReadAsync(FaultNode node, string topic, IReadOnlySet<string> topics, TimeSpan at)
    {
        var events = new List<Seen>();
        long next = 0, head;
        do
        {
            var path = new Uri($"api/v1/notifications?filter={Uri.EscapeDataString($"{topic}/#")}&since={next}&limit=1000", UriKind.Relative);
            using var page = JsonDocument.Parse(await node.Server.Http.GetByteArrayAsync(path));
            if (next == 0) events.Add(new Seen.Resumed(at, 0, page.RootElement.GetProperty("epoch").GetString()!));
            foreach (var it in page.RootElement.GetProperty("items").EnumerateArray())
            {
                events.Add(new Seen.Received(
                    at, it.GetProperty("version").GetInt64(), it.GetProperty("id").GetString()!, it.GetProperty("topic").GetString()!, it.GetProperty("body")
                        .GetString()!));
            }

            (next, head) = (page.RootElement.GetProperty("next").GetInt64(), page.RootElement.GetProperty("head").GetInt64());
            events.Add(new Seen.Place(at, next, page.RootElement.GetProperty("epoch").GetString()));
        }
        while (next < head);
        return new Journal($"list of {node.Server.Url.Port}", topics, events, IsLive: false);
    }
}

/// <summary>What one scenario came to.</summary>
internal sealed record FaultRun(string Fault, int Seed, TimeSpan Took, History History, CheckResult Result)
{
    public override string ToString() =>
        $"{Fault}, seed {Seed}: {Result.Acked} acked, {Result.Delivered} delivered, up to date {Result.Recovery.TotalSeconds:F2} s after healing; took " +
            $"{Took.TotalSeconds:F1} s"
        + string.Concat(Result.Findings.Take(25).Select(finding => $"\n  {finding}"))
        + (Result.Findings.Count > 25 ? $"\n  … {Result.Findings.Count} findings in all" : "");
}
