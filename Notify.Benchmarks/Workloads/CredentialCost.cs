using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Notify.Benchmarks.Load;
using Notify.Benchmarks.Options;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads;

/// <summary>
/// P1b's POSTs with a credential and without, by turns on one server that everybody may publish to: what verifying costs a publish.
/// </summary>
internal static class CredentialCost
{
    private const string CpuPerPublish = "server CPU µs a publish";
    private const string AllCpuPerPublish = "CPU µs a publish, with Postgres";
    private const string With = "with";
    private const string Without = "without";
    private const double Microseconds = 1e6;

    private static readonly string SigningKey = SignedToken.NewKey();

    public static async Task<WorkloadReport> RunAsync(Laboratory laboratory, Arguments line)
    {
        var topics = line.Number("topics", 1000);
        var publishers = line.Number("publishers", 64);
        var seconds = line.Number("seconds", 5);
        var warmUp = line.Number("warmup", 6);
        var turns = line.Number("turns", 6);
        var storage = line.Text("storage", "postgres");
        var kind = line.Text("credential", "token");
        if (kind is not ("token" or "key")) throw new ArgumentException($"--credential is token or key, not '{kind}'.");
        line.RefuseUnknown();

        var report = new WorkloadReport("p1b-credential", $"{topics} topics with 1 subscriber each, {publishers} publishers: POST {With} a {kind} and " +
            $"{Without}, {turns} turns each on one server");
        report.Ratio($"{With} {kind}", Without, CpuPerPublish);
        report.Ratio($"{With} {kind}", Without, AllCpuPerPublish);
        for (var run = 1; run <= laboratory.Runs; run++)
        {
            await laboratory.BeginAsync($"{report.Workload} run {run}");
            await using var place = await laboratory.NewStorageAsync(storage);
            await using var server = await place.StartServerAsync(signingKey: SigningKey);
            await using var subscribers =
                await Subscribers.StartAsync(new SubscriberOptions { Peer = PeerKind.Notify, Port = server.Port, Connections = topics, Topics = topics });
            var options = new PublisherOptions { Peer = PeerKind.Notify, Port = server.Port, Connections = publishers, Topics = topics };
            var bearer = kind == "token" ? SignedToken.Of(SigningKey, """{"sub":"bench","notify_publish":"#",""") : await MakeKeyAsync(server.Port);
            await using var without = await Publishers.StartAsync(options);
            await using var with = await Publishers.StartAsync(options with { Bearer = bearer });
            (string Name, Publishers Publishers)[] sides = [(Without, without), ($"{With} {kind}", with)];
            foreach (var side in sides) await Warming.RunAsync([server.ProcessId], side.Publishers, subscribers, 1, warmUp);

            for (var turn = 0; turn < turns; turn++)
            {
                foreach (var (name, side) in turn % 2 == 0 ? sides : sides.AsEnumerable().Reverse())
                {
                    var (cpu, stored) = (CpuClock.OfProcess(server.ProcessId), place.CpuSeconds);
                    var published = await side.RunAsync(seconds);
                    var got = await subscribers.ReportAsync(published.Acked);
                    (cpu, stored) = (CpuClock.OfProcess(server.ProcessId) - cpu, place.CpuSeconds - stored);
                    if (Validity.Problem(published, got, published.Acked, false) is { } problem) report.Invalid.Add($"{name}: {problem}");
                    else report.Add(
                        name, (CpuPerPublish, cpu * Microseconds / published.Acked), (AllCpuPerPublish, (cpu + stored) * Microseconds / published.Acked),
                        ("publishes/s", published.Acked / published.Seconds));
                }
            }
        }

        return report;
    }

    private static async Task<string> MakeKeyAsync(int port)
    {
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}/") };
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("api/v1/keys", UriKind.Relative)) { Content = new StringContent("""{"name":"bench","publish":["#"]}""", Encoding.UTF8, "application/json") };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", SignedToken.Of(SigningKey, """{"sub":"bench","notify_admin":true,"""));
        using var answer = await http.SendAsync(request);
        answer.EnsureSuccessStatusCode();
        return JsonElement.Parse(await answer.Content.ReadAsStringAsync()).GetProperty("key").GetString()!;
    }
}
