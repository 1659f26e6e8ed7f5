using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Notify.Engine.Configuration;

namespace Notify.Server.Authentication.Tokens;

/// <summary>
/// The signing keys of the OIDC authority (its JWKS), fetched when first needed and kept: an authority that goes away later stops
/// no one whose key is known. ASP.NET's own manager lets every request try anew while the authority is away, and answers a token
/// of a new key only on the second try.
/// </summary>
internal sealed partial class AuthorityKeys : IConfigurationManager<OpenIdConnectConfiguration>, IDisposable
{
    /// <summary>How often an unknown key id may make it ask: every client can invent one.</summary>
    public static readonly TimeSpan AskInterval = TimeSpan.FromSeconds(5);

    /// <summary>How often it asks while it has no keys at all: tokens are refused until then.</summary>
    private static readonly TimeSpan FirstInterval = TimeSpan.FromSeconds(1);

    /// <summary>After this the keys are fetched again in the background: one that the authority withdrew must not stay for ever.</summary>
    private static readonly TimeSpan RefreshInterval = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan FetchLimit = TimeSpan.FromSeconds(5);
    private const int MaxDocumentBytes = 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly string _address;
    private readonly string? _issuer;
    private readonly HttpClient _http;
    private readonly HttpDocumentRetriever _retriever;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private OpenIdConnectConfiguration? _current;
    private long _askedAt;
    private long _fetchedAt;
    private bool _asked;
    private Task _asking = Task.CompletedTask;

    public AuthorityKeys(AuthSettings settings, TimeProvider time, ILogger<AuthorityKeys> logger)
    {
        var authority = settings.Authority ?? throw new ArgumentException("There is no authority.", nameof(settings));
        _address = $"{authority.TrimEnd('/')}/.well-known/openid-configuration";
        _issuer = settings.Issuer;
        _time = time;
        _logger = logger;
        _http = new HttpClient(new SocketsHttpHandler { PooledConnectionLifetime = RefreshInterval, ConnectTimeout = FetchLimit })
        {
            Timeout = FetchLimit,
            MaxResponseContentBufferSize = MaxDocumentBytes
        };
        _retriever = new HttpDocumentRetriever(_http) { RequireHttps = new Uri(authority).Scheme == Uri.UriSchemeHttps };
    }

    /// <summary>Rises whenever other keys were fetched: what was verified with the earlier ones is verified again.</summary>
    public int Generation { get; private set; }

    /// <summary>What the authority last answered; null while it never has.</summary>
    public OpenIdConnectConfiguration? Current => Volatile.Read(ref _current);

    /// <summary>What the authority answered; asks it when it never has, or long ago.</summary>
    public async Task<OpenIdConnectConfiguration?> FindAsync()
    {
        if (Current is null) await AskAsync(FirstInterval);
        else if (_time.GetElapsedTime(Volatile.Read(ref _fetchedAt)) > RefreshInterval) _ = AskAsync(AskInterval);
        return Current;
    }

    /// <summary>Asks for keys that may be new; false when that was too short a time ago, or nothing changed.</summary>
    public async Task<bool> AskAgainAsync()
    {
        var before = Generation;
        await AskAsync(AskInterval);
        return Generation != before;
    }

    /// <summary>As JwtBearer asks: only what is there.</summary>
    Task<OpenIdConnectConfiguration> IConfigurationManager<OpenIdConnectConfiguration>.GetConfigurationAsync(CancellationToken cancel) =>
        Task.FromResult(Current ?? throw new InvalidOperationException("The authority has not answered yet."));

    /// <remarks>The verifier asks by itself, and waits for the answer.</remarks>
    void IConfigurationManager<OpenIdConnectConfiguration>.RequestRefresh()
    {
    }

    public void Dispose() => _http.Dispose();

    // One at a time, for all waiting callers; not more often than the interval, also when it fails.
    private Task AskAsync(TimeSpan interval)
    {
        lock (_gate)
        {
            if (!_asking.IsCompleted) return _asking;
            if (_asked && _time.GetElapsedTime(_askedAt) < interval) return Task.CompletedTask;
            _asked = true;
            _askedAt = _time.GetTimestamp();
            return _asking = FetchAsync();
        }
    }

    private async Task FetchAsync()
    {
        await Task.Yield(); // leave the lock first
        try
        {
            using var limit = new CancellationTokenSource(FetchLimit, _time);
            var fetched = await OpenIdConnectConfigurationRetriever.GetAsync(_address, _retriever, limit.Token);
            if (fetched.SigningKeys.Count == 0 || string.IsNullOrEmpty(_issuer ?? fetched.Issuer))
                throw new InvalidOperationException("It names no issuer or has no signing keys.");
            if (_issuer is not null) fetched.Issuer = _issuer; // the only one demanded
            var first = Current is null;
            var same = !first && IdsOf(Current!).SequenceEqual(IdsOf(fetched));
            Volatile.Write(ref _fetchedAt, _time.GetTimestamp());
            Volatile.Write(ref _current, fetched);
            if (!same) Generation++;
            if (first || !same) Log.Fetched(_logger, fetched.SigningKeys.Count, _address);
        }
        catch (Exception exception)
        {
            if (Current is null) Log.Away(_logger, _address, Cause(exception));
            else Log.AwayWithKeys(_logger, _address, Cause(exception));
        }
    }

    private static IEnumerable<string> IdsOf(OpenIdConnectConfiguration configuration) =>
        configuration.JsonWebKeySet.Keys.Select(key => $"{key.Kid}|{key.N}|{key.X}|{key.Y}|{key.Alg}").Order(StringComparer.Ordinal);

    private static string Cause(Exception exception) => exception.GetBaseException() switch
    {
        OperationCanceledException => $"no answer within {FetchLimit.TotalSeconds} s",
        var cause => cause.Message.ReplaceLineEndings(" "),
    };

    private static partial class Log
    {
        [LoggerMessage(6010, LogLevel.Information, "Fetched {Count} signing keys of the authority from {Address}.")]
        public static partial void Fetched(ILogger logger, int count, string address);

        [LoggerMessage(6011, LogLevel.Warning,
            "The authority does not answer at {Address} ({Cause}): tokens are rejected until it does. The node asks again with the next token.")]
        public static partial void Away(ILogger logger, string address, string cause);

        [LoggerMessage(6012, LogLevel.Warning,
            "The authority does not answer at {Address} ({Cause}): tokens of the keys known so far are still accepted, those of new keys are not.")]
        public static partial void AwayWithKeys(ILogger logger, string address, string cause);
    }
}
