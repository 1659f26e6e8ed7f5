using System.Net.Http.Json;
using System.Text.Json;

namespace Notify.Tests.Faults.Checking;

/// <summary>
/// One user who follows everything of a run, and whose inbox is read at its end: on every node the counts must be those of the
/// list of the same answer, and nodes that say that they are as far must say the same, before and after marks.
/// </summary>
internal sealed class InboxChecker(string run, Func<IEnumerable<HttpClient>> nodes)
{
    private const int Page = 1000;

    private readonly string _user = $"{run}-inbox";

    public async Task BeginAsync()
    {
        using var answer = await nodes().First().PostAsJsonAsync(Path("subscriptions"), new { topics = new[] { $"{run}/#" } });
        answer.EnsureSuccessStatusCode();
    }

    public async Task<IReadOnlyList<Finding>> CheckAsync()
    {
        var findings = new List<Finding>();
        var (unread, head) = await CompareAsync(findings);
        if (unread.Count == 0) return findings; // the fault took the log and the subscription with it
        var random = new Random(unread.Count);
        await MarkAsync("seen", new { upTo = unread[unread.Count / 3] });
        await MarkAsync("read", new { versions = unread.Where(_ => random.Next(3) == 0).Take(Page).ToArray() });
        await MarkAsync("archive", new { upTo = unread[^(1 + (unread.Count / 5))] });
        await CompareAsync(findings);
        await MarkAsync("read", new { upTo = head });
        var (left, _) = await CompareAsync(findings);
        findings.AddRange(left.Where(version => version <= head).Take(5)
            .Select(version => new Finding(Verdict.Invented, _user, version, "is unread although everything was marked read")));
        return findings;

        async Task MarkAsync(string operation, object mark)
        {
            var http = random.GetItems(nodes().ToArray(), 1)[0];
            using var answer = await http.PostAsJsonAsync(Path($"inbox/{operation}"), mark);
            answer.EnsureSuccessStatusCode();
        }
    }

    /// <summary>What is unread, newest first, as the first node has it.</summary>
    private async Task<(List<long> Unread, long Head)> CompareAsync(List<Finding> findings)
    {
        var read = new List<(int Node, long Rev, (long, long) Counts, List<long> Unread)>();
        foreach (var (node, http) in nodes().Index())
        {
            var answer = await http.GetFromJsonAsync<JsonElement>(Path($"inbox?state=unread&limit={Page}"));
            var summary = answer.GetProperty("summary");
            var counts = (Unread: summary.GetProperty("unread").GetInt64(), Unseen: summary.GetProperty("unseen").GetInt64());
            var rev = summary.GetProperty("rev").GetInt64();
            var items = answer.GetProperty("items").EnumerateArray().ToList();
            var listed = ((long)items.Count, items.LongCount(item => !item.TryGetProperty("seenAt", out _)));
            List<long> unread = [.. items.Select(item => item.GetProperty("notification").GetProperty("version").GetInt64())];
            if (!answer.TryGetProperty("next", out _) && counts != listed)
                findings.Add(new Finding(Verdict.Invented, $"{_user} on node {node}", rev, $"counts {counts} are not those of the list, {listed}"));
            if (!unread.SequenceEqual(unread.OrderDescending().Distinct()))
                findings.Add(new Finding(Verdict.Reordered, $"{_user} on node {node}", rev, "the list is not newest first, each once"));
            read.Add((node, rev, counts, unread));
        }

        foreach (var same in read.GroupBy(one => one.Rev).Where(same => same.Select(one => one.Counts).Distinct().Count() > 1))
            findings.Add(new Finding(Verdict.Invented, _user, same.Key,
                $"nodes count {string.Join(" and ", same.Select(one => one.Counts))} up to the same version"));
        return (read[0].Unread, read.Max(one => one.Rev));
    }

    private Uri Path(string path) => new($"api/v1/users/{_user}/{path}", UriKind.Relative);
}
