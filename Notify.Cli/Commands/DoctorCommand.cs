using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Connections;
using Notify.Cli.Output;
using Notify.Client;
using Notify.Contracts;

namespace Notify.Cli.Commands;

/// <summary><c>doctor</c>: what lies between here and the service, step by step, and what is wrong with it.</summary>
internal static class DoctorCommand
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    public static Command Make(CliConsole console)
    {
        var origin = new Option<string?>("--origin") { Description = "Also checks that pages of this origin may connect, such as https://shop.example." };
        var command = new Command("doctor", "Checks the way to the service and says what is wrong.") { origin };
        command.SetCall(console, async (call, token) =>
        {
            var findings = new List<Finding>();
            var reached = await ReachAsync(call, findings, token);
            if (reached)
            {
                await CredentialAsync(call, findings, token);
                foreach (var transport in new[] { HttpTransportType.WebSockets, HttpTransportType.ServerSentEvents, HttpTransportType.LongPolling })
                    findings.Add(await ConnectAsync(call, transport, token));
                findings.Add(await StreamAsync(call, token));
                if (call.Get(origin) is { } page) findings.Add(await OriginAsync(call, page, token));
            }

            Show(call.Results, findings);
            return findings.Any(finding => finding.Result == "wrong") ? ExitCodes.Failed : ExitCodes.Done;
        });
        return command;
    }

    private static void Show(Results results, List<Finding> findings)
    {
        foreach (var finding in findings)
        {
            results.Line(finding, it => $"{(it.Result switch { "ok" => "[green]ok   [/]", "warning" => "[yellow]warn [/]", _ => "[red]wrong[/]" })} " +
                $"{it.Check,-20} {Spectre.Console.Markup.Escape(it.Detail)}");
        }
    }

    private static async Task<bool> ReachAsync(CliCall call, List<Finding> findings, CancellationToken token)
    {
        HttpResponseMessage answer;
        try
        {
            answer = await SendAsync(call, HttpMethod.Get, "health/ready", null, token);
        }
        catch (NotifyException e)
        {
            findings.Add(new Finding("reach", "wrong", $"{e.Message} Is the address right, and does the service run?"));
            return false;
        }

        using (answer)
        {
            var text = await answer.Content.ReadAsStringAsync(token);
            findings.Add(answer.StatusCode switch
            {
                HttpStatusCode.OK => new Finding("reach", "ok", $"{call.Url} is ready."),
                HttpStatusCode.ServiceUnavailable =>
                    new Finding("reach", "wrong",
                    "The service answers that it is not ready (503): it starts, drains, or its storage is away. Or a proxy has no service behind it."),
                HttpStatusCode.NotFound => new Finding("reach", "wrong", "Something answers there, but it is no Notify (404 at /health/ready)."),
                var status => new Finding("reach", "wrong", $"/health/ready answered {(int)status}."),
            });
            if (answer.StatusCode == HttpStatusCode.OK && text.Contains("degraded", StringComparison.OrdinalIgnoreCase))
                findings.Add(new Finding("health", "warning", "The service is degraded: a shared database or Redis is away."));
            if (answer.Headers.Date is { } date) findings.Add(Clock(date - call.Console.Time.GetUtcNow()));
            return answer.StatusCode is HttpStatusCode.OK or HttpStatusCode.ServiceUnavailable;
        }
    }

    private static Finding Clock(TimeSpan difference) => difference.Duration() > TimeSpan.FromSeconds(30)
        ? new Finding("clock", "wrong",
            $"This machine's clock and the service's differ by {difference.TotalSeconds.ToString("0", CultureInfo.InvariantCulture)} s: tokens would be " +
            "refused. Set both by NTP.")
        : new Finding("clock", "ok", "This machine's clock and the service's agree.");

    private static async Task CredentialAsync(CliCall call, List<Finding> findings, CancellationToken token)
    {
        try
        {
            var me = await call.Api.GetMeAsync(token);
            var name = me.User is null ? "a caller without a user" : $"the user '{me.User}'";
            findings.Add(new Finding("credential", "ok", $"The service takes this for {name}{(me.Admin ? ", an admin" : "")}."));
            if (!me.Admin && me.Subscribe.Count == 0)
                findings.Add(new Finding("grants", "warning", "This credential may follow no topic by name: it has no notify_subscribe."));
        }
        catch (NotifyException e) when (e.Code == ErrorCodes.Unauthenticated)
        {
            findings.Add(new Finding("credential", "wrong", call.Token is null ? "The service wants a credential: give --token, or a context with one."
                : $"The service refuses the credential: {e.Message}"));
        }
        catch (NotifyException e)
        {
            findings.Add(new Finding("credential", "warning", $"The service did not tell the caller's identity: {e.Message}"));
        }

        if (call.Token is { } jwt && ExpiryOf(jwt) is { } ends && ends < call.Console.Time.GetUtcNow())
            findings.Add(new Finding("token", "wrong", $"The token expired at {ends.UtcDateTime:u}."));
    }

    private static async Task<Finding> ConnectAsync(CliCall call, HttpTransportType transport, CancellationToken token)
    {
        await using var client =
            new NotifyClient(call.ClientOptions with { Timeout = Limit, ConfigureConnection = connection => connection.Transports = transport });
        var name = transport.ToString();
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(token);
            limit.CancelAfter(Limit);
            await client.StartAsync(limit.Token);
            return new Finding(name, "ok", "Connects.");
        }
        catch (NotifyException e)
        {
            return new Finding(name, "wrong", e.Message);
        }
        catch (OperationCanceledException e) when (!token.IsCancellationRequested)
        {
            var why = (e.InnerException as NotifyException)?.Message ?? "No answer in time.";
            return new Finding(name, transport == HttpTransportType.LongPolling ? "wrong" : "warning", transport == HttpTransportType.WebSockets
                ? $"{why} A proxy that does not pass 'Upgrade' does this."
                : why);
        }
    }

    // The service ends its replay with caught-up at once: when that does not come although the stream is open, something holds it back.
    private static async Task<Finding> StreamAsync(CliCall call, CancellationToken token)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(token);
        limit.CancelAfter(Limit);
        try
        {
            using var answer = await call.Http.GetAsync(new Uri("api/v1/stream", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, limit.Token);
            if (answer.StatusCode != HttpStatusCode.OK) return new Finding("proxy buffering", "warning", $"/api/v1/stream answered {(int)answer.StatusCode}.");
            using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(limit.Token));
            while (await reader.ReadLineAsync(limit.Token) is { } line)
                if (line.StartsWith("event:", StringComparison.Ordinal))
                    return new Finding("proxy buffering", "ok", "Event streams pass through as they are written.");
            return new Finding("proxy buffering", "warning", "The event stream ended without an event.");
        }
        catch (OperationCanceledException) when (!token.IsCancellationRequested)
        {
            return new Finding("proxy buffering", "wrong",
                "Nothing of an event stream came in time: a proxy between here and the service buffers answers. Turn that off for /api/v1/stream and /hubs " +
                "(nginx: proxy_buffering off).");
        }
        catch (HttpRequestException e)
        {
            return new Finding("proxy buffering", "wrong", e.Message);
        }
    }

    private static async Task<Finding> OriginAsync(CliCall call, string origin, CancellationToken token)
    {
        try
        {
            using var answer = await SendAsync(call, HttpMethod.Post, "hubs/notifications/negotiate?negotiateVersion=1", origin, token);
            return answer.StatusCode == HttpStatusCode.Forbidden
                ? new Finding("origin", "wrong", $"Pages of {origin} may not connect: add it to Notify:AllowedOrigins.")
                : answer.IsSuccessStatusCode ? new Finding("origin", "ok", $"Pages of {origin} may connect.")
                    : new Finding("origin", "warning", $"Negotiation answered {(int)answer.StatusCode}.");
        }
        catch (NotifyException e)
        {
            return new Finding("origin", "wrong", e.Message);
        }
    }

    private static async Task<HttpResponseMessage> SendAsync(CliCall call, HttpMethod method, string path, string? origin, CancellationToken token)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(token);
        limit.CancelAfter(Limit);
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        if (origin is not null) request.Headers.TryAddWithoutValidation("Origin", origin);
        try
        {
            return await call.Http.SendAsync(request, limit.Token);
        }
        catch (HttpRequestException e)
        {
            throw new NotifyException(null, $"{call.Url} cannot be reached: {e.GetBaseException().Message}.", null, e);
        }
        catch (OperationCanceledException e) when (!token.IsCancellationRequested)
        {
            throw new NotifyException(null, $"{call.Url} does not answer.", null, e);
        }
    }

    private static DateTimeOffset? ExpiryOf(string token)
    {
        try
        {
            var claims = token.Split('.') is [_, var payload, _] ? JsonElement.Parse(Microsoft.IdentityModel.Tokens.Base64UrlEncoder.DecodeBytes(payload))
                : default;
            return claims.ValueKind == JsonValueKind.Object && claims.TryGetProperty("exp", out var exp) && exp.TryGetInt64(out var seconds)
                ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            return null;
        }
    }

    private sealed record Finding(string Check, string Result, string Detail);
}
