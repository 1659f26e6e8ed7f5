using System.CommandLine;
using System.Net.Http.Headers;
using Notify.Cli.Contexts;
using Notify.Cli.Output;
using Notify.Client;

namespace Notify.Cli;

/// <summary>The options that every command has.</summary>
internal static class SharedOptions
{
    public static readonly Option<string?> Url =
        new("--url")
        {
            Description = "Where the service is. Else NOTIFY_URL, else the context, else http://localhost:5080.",
            Recursive = true,
            HelpName = "URL"
        };
    public static readonly Option<string?> Token =
        new("--token") { Description = "A bearer token or API key. Else NOTIFY_TOKEN, else the context.", Recursive = true, HelpName = "TOKEN" };
    public static readonly Option<string?> User =
        new("--as") { Description = "The user, for a service in Development, which asks for no token.", Recursive = true, HelpName = "USER" };
    public static readonly Option<string?> Device =
        new("--device") { Description = "The device, whose acknowledged version is its own.", Recursive = true, HelpName = "DEVICE" };
    public static readonly Option<string?> Context =
        new("--context")
        {
            Description = "A context of the configuration file. Else NOTIFY_CONTEXT, else the current one.",
            Recursive = true,
            HelpName = "NAME"
        };
    public static readonly Option<string> Output =
        Choice("--output", "auto", "table for a person, json for one object a line; auto: table on a terminal.", "auto", "table", "json");

    private static Option<string> Choice(string name, string byDefault, string description, params string[] values)
    {
        var option = new Option<string>(name, "-o") { Description = description, Recursive = true, DefaultValueFactory = _ => byDefault };
        option.AcceptOnlyFromAmong(values);
        return option;
    }
}

/// <summary>One run of a command: where to call, with what, and where results go.</summary>
internal sealed class CliCall : IDisposable
{
    private readonly Lazy<HttpClient> _http;

    public CliCall(ParseResult parsed, CliConsole console)
    {
        Console = console;
        Parsed = parsed;
        var form = parsed.GetValue(SharedOptions.Output);
        Results = new Results(console, form == "json" || (form == "auto" && !console.IsTerminal));
        var file = ContextFile.Load(console);
        var named = parsed.GetValue(SharedOptions.Context) ?? Variable("NOTIFY_CONTEXT");
        var name = named ?? file.Current;
        var context = name is null ? new CliContext()
            : file.Contexts.TryGetValue(name, out var found) ? found
            : throw new UsageException($"There is no context '{name}' in {ContextFile.PathOf(console)}.");
        var url = parsed.GetValue(SharedOptions.Url) ?? Variable("NOTIFY_URL") ?? context.Url?.AbsoluteUri ?? "http://localhost:5080";
        Url = Uri.TryCreate(url, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
            ? new Uri(address.AbsoluteUri.TrimEnd('/') + "/")
            : throw new UsageException($"'{url}' is no http or https address.");
        // A credential is for the address it was given with: never sent to another that --url or NOTIFY_URL names.
        var own = context.Url is null || new Uri(context.Url.AbsoluteUri.TrimEnd('/') + "/") == Url;
        Token = parsed.GetValue(SharedOptions.Token) ?? Variable("NOTIFY_TOKEN") ?? (own ? context.Token : null);
        User = parsed.GetValue(SharedOptions.User) ?? (own ? context.User : null);
        Device = parsed.GetValue(SharedOptions.Device) ?? (own ? context.Device : null);
        _http = new Lazy<HttpClient>(MakeHttp);
    }

    public CliConsole Console { get; }

    public ParseResult Parsed { get; }

    public Results Results { get; }

    public Uri Url { get; }

    public string? Token { get; }

    public string? User { get; }

    public string? Device { get; }

    public HttpClient Http => _http.Value;

    public NotifyApi Api => new(Http);

    public NotifyClientOptions ClientOptions => new()
    {
        Url = Url,
        AccessTokenProvider = Token is { } token ? () => Task.FromResult<string?>(token) : null,
        User = User,
        Device = Device,
        Acknowledge = false,
        LoggerFactory = Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance,
    };

    public T? Get<T>(Option<T> option) => Parsed.GetValue(option);

    public T Get<T>(Argument<T> argument) => Parsed.GetValue(argument)!;

    public void Dispose()
    {
        if (_http.IsValueCreated) _http.Value.Dispose();
    }

    private string? Variable(string name) => Console.Variable(name) is { Length: > 0 } value ? value : null;

    private HttpClient MakeHttp()
    {
        var http = new HttpClient(new Identity(User, Device, new HttpClientHandler())) { BaseAddress = Url, Timeout = TimeSpan.FromSeconds(30) };
        if (Token is { } token) http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return http;
    }

    /// <summary>Says user and device in every query.</summary>
    private sealed class Identity(string? user, string? device, HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var query = string.Join("&", new[] { ("user", user), ("device", device) }.Where(one => one.Item2 is not null)
                .Select(one => $"{one.Item1}={Uri.EscapeDataString(one.Item2!)}"));
            if (query.Length > 0)
            {
                var uri = new UriBuilder(request.RequestUri!);
                uri.Query = uri.Query.Length > 1 ? $"{uri.Query[1..]}&{query}" : query;
                request.RequestUri = uri.Uri;
            }

            return base.SendAsync(request, cancellationToken);
        }
    }
}
