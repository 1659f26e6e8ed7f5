using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using Notify.Engine.Configuration;
using Notify.Server.Authentication;
using Notify.Server.Configuration;
using Notify.Storage.Log;

namespace Notify.Server.Hosting;

/// <summary>
/// Decides at start which callers need no credential, once it is known whether API keys are stored. The service never starts
/// open without an explicit setting.
/// </summary>
internal sealed partial class AccessModeDecision
{
    private readonly CurrentAccessMode _accessMode;
    private readonly AuthSettings _auth;
    private readonly IHostEnvironment _environment;
    private readonly IAuthenticationSchemeProvider? _hostSchemes;
    private readonly ILogger _logger;

    public AccessModeDecision(CurrentAccessMode accessMode, IOptions<NotifyOptions> options, IHostEnvironment environment, ILogger<AccessModeDecision> logger,
        IAuthenticationSchemeProvider? hostSchemes = null)
    {
        _accessMode = accessMode;
        _auth = options.Value.Auth;
        _environment = environment;
        _hostSchemes = hostSchemes;
        _logger = logger;
        if (_auth.TakesTokens) accessMode.Decide(AccessMode.Closed); // whatever is stored
    }

    /// <summary>Once the log is open.</summary>
    /// <exception cref="SettingsException">Every caller could publish and read, and no setting says that this is intended.</exception>
    /// <exception cref="StorageUnavailableException">Whether there are API keys cannot be read; to be asked again.</exception>
    public async Task DecideAsync(INotificationLog log, CancellationToken cancellationToken)
    {
        var host = _auth is { Embedded: true, HostPrincipal: true } && _hostSchemes is not null && (await _hostSchemes.GetAllSchemesAsync()).Any();
        var keys = await WereKeysStoredAsync(log, cancellationToken);
        _accessMode.Decide(Decide(_auth, _environment, host, keys));
        Announce(host, keys);
    }

    /// <summary>Whether what is stored decides if the service may start at all.</summary>
    public bool MayRefuse => _accessMode.Now == AccessMode.Undecided && !_auth.Embedded && !_auth.AllowAnonymous && !_environment.IsDevelopment();

    internal static AccessMode Decide(AuthSettings auth, IHostEnvironment environment, bool hostAuthenticates, bool keysStored)
    {
        if (auth.TakesTokens || keysStored) return AccessMode.Closed;
        if (environment.IsDevelopment() && auth.OpenInDevelopment) return AccessMode.Development; // an app with a sign-in of its own must say so
        if (hostAuthenticates) return AccessMode.Closed;
        if (auth.AllowAnonymous) return AccessMode.Everybody;
        if (auth.Embedded) return AccessMode.Closed; // a host is not stopped by what it hosts
        throw new SettingsException($"In the environment '{environment.EnvironmentName}' no caller could use this service: set Notify:Auth:SigningKey or " +
            "Notify:Auth:Authority, create an API key with the command create-key, or set Notify:Auth:AllowAnonymous to true if every caller that reaches it " +
            "may publish and read; to try it out on this machine set ASPNETCORE_ENVIRONMENT to Development.");
    }

    private static async Task<bool> WereKeysStoredAsync(INotificationLog log, CancellationToken cancellationToken)
    {
        try
        {
            return await log.Directory.WereKeysStoredAsync(cancellationToken);
        }
        catch (NotSupportedException)
        {
            return false; // a log without a directory has no keys
        }
    }

    private void Announce(bool host, bool keys)
    {
        switch (_accessMode.Now)
        {
            case AccessMode.Development:
                Log.Development(_logger);
                break;
            case AccessMode.Everybody:
                Log.Everybody(_logger);
                break;
            default:
                var tokens = _auth.Authority is { } authority ? $"tokens of the authority {authority}" : _auth.AllSigningKeys.Count > 0
                    ? $"tokens signed with one of {_auth.AllSigningKeys.Count} keys" : "no tokens";
                var anonymous = _auth.AnonymousSubscribe.Count + _auth.AnonymousPublish.Count == 0 ? "nothing" : "the filters of Notify:Auth:Anonymous";
                Log.Closed(_logger, tokens, keys ? "API keys" : "no API key yet", host ? "the hosting app's sign-in" : "no sign-in of a hosting app",
                    anonymous);
                if (_auth is { Authority: not null, AllSigningKeys.Count: > 0 }) Log.KeysIgnored(_logger);
                break;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(8001, LogLevel.Warning, "Development: no token is needed, everything is allowed, and the service listens on this machine only.")]
        public static partial void Development(ILogger logger);

        [LoggerMessage(8002, LogLevel.Warning,
            "Open to everyone (Notify:Auth:AllowAnonymous): every caller may publish to and read every topic. Configure a key or an authority to change that.")]
        public static partial void Everybody(ILogger logger);

        [LoggerMessage(8003, LogLevel.Information, "Callers authenticate by {Tokens}, {Keys}, {Host}. Callers without a credential get {Anonymous}.")]
        public static partial void Closed(ILogger logger, string tokens, string keys, string host, string anonymous);

        [LoggerMessage(8004, LogLevel.Warning,
            "Notify:Auth:SigningKey is ignored for callers: beside an authority, tokens signed with a shared key are rejected. Remove it.")]
        public static partial void KeysIgnored(ILogger logger);
    }
}
