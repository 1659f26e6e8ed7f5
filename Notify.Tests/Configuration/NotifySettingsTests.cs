using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Hosting;
using Notify.Engine.Configuration;
using Notify.Server.Authentication;
using Notify.Server.Configuration;
using Notify.Server.Hosting;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Configuration;

public class NotifySettingsTests
{
    [Theory]
    [InlineData("Limits:PayloadBytes", "many", "a whole number from 256")]
    [InlineData("Limits:PayloadBytes", "0", "a whole number from 256")]
    [InlineData("Limits:PayloadBytes", "99999999999999999999", "a whole number from 256")]
    [InlineData("Limits:BatchSize", "-1", "a whole number from 1 ")]
    [InlineData("Limits:FiltersPerConnection", "0", "a whole number from 1 ")]
    [InlineData("Limits:RequestsPerSecond", "-1", "0 for no limit")]
    [InlineData("Limits:PublishQueueEntries", "0", "a whole number from 1 ")]
    [InlineData("Retention:MaxAge", "30", "d.hh:mm:ss")]
    [InlineData("Retention:MaxAge", "soon", "d.hh:mm:ss")]
    [InlineData("Retention:MaxAge", "-01:00:00", "d.hh:mm:ss")]
    [InlineData("Retention:SweepInterval", "00:00:00", "d.hh:mm:ss")]
    [InlineData("Storage:MigrateAtStart", "yes", "true or false")]
    [InlineData("Storage:SqlitePath", " ", "not empty")]
    [InlineData("AllowedOrigins:0", "shop.example", "must be an origin")]
    [InlineData("AllowedOrigins:0", "https://shop.example/path", "must be an origin")]
    [InlineData("AllowedOrigins:0", "*", "must be an origin")]
    [InlineData("AllowedOrigins:0", "https://*.example", "must be an origin")]
    [InlineData("AllowedOrigins", "https://shop.example", "is a list")]
    [InlineData("Limits:PayloadByte", "1", "Did you mean Notify:Limits:PayloadBytes?")]
    [InlineData("Retentoin:MaxAge", "1.00:00:00", "Did you mean Notify:Retention:MaxAge?")]
    [InlineData("AlowedOrigins:0", "https://shop.example", "Did you mean Notify:AllowedOrigins?")]
    [InlineData("Colour", "red", "is unknown.")]
    [InlineData("Auth:SigningKey", "0123456789", "at least 32 bytes")]
    [InlineData("Auth:SigningKeys:0", "0123456789", "at least 32 bytes")]
    [InlineData("Auth:SigningKeys:first", "0123456789abcdef0123456789abcdef", "is unknown")]
    [InlineData("Auth:Authority", "https://login.example", "needs Notify:Auth:Audience")]
    [InlineData("Auth:Authority", "http://login.example", "must begin with https")]
    [InlineData("Auth:Authority", "login.example", "must be the address of an OIDC authority")]
    [InlineData("Auth:Issuer", "me", "nothing to verify tokens with")]
    [InlineData("Auth:Audience", "you", "nothing to verify tokens with")]
    [InlineData("Auth:Anonymous:Subscribe:0", "a/#/b", "must be a topic filter")]
    [InlineData("Auth:Grants:0:Publish:0", "a+", "must be a topic filter")]
    [InlineData("Auth:Grants:0:Groups:0", "a/b", "must be a group name")]
    [InlineData("Auth:Grants:0:Admin", "yes", "must be true or false")]
    [InlineData("Auth:Grants:0:Claim", "role", "has no Value beside it")]
    [InlineData("Auth:Grants:0:Value", "editor", "has no Claim beside it")]
    [InlineData("Auth:Grants:0:Subscripe:0", "a", "Did you mean Notify:Auth:Grants:0:Subscribe:0?")]
    [InlineData("KnownProxies:0", "proxy.example", "must be an address or a network")]
    public void A_mistake_is_one_sentence_that_names_the_setting_and_what_is_allowed(string key, string value, string expected)
    {
        var message = Assert.Throws<SettingsException>(() => Read("Development", (key, value))).Message;
        Assert.Contains($"Notify:{key}", message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', message);
    }

    [Fact]
    public void A_key_is_not_printed() =>
        Assert.DoesNotContain("0123456789", Assert.Throws<SettingsException>(() => Read("Development", ("Auth:SigningKey", "0123456789"))).Message,
            StringComparison.Ordinal);

    [Fact]
    public void Settings_are_read()
    {
        var options = Read("Production",
            ("auth:allowanonymous", "true"), ("Limits:PayloadBytes", "1000"), ("Limits:RequestsPerSecond", "0"), ("Retention:MaxAge", "1.00:00:00"),
            ("AllowedOrigins:0", "https://Shop.example:443/"), ("AllowedOrigins:1", "http://localhost:3000"), ("Storage:SqlitePath", "x.db"));
        Assert.Equal((1000, TimeSpan.FromDays(1), "x.db"), (options.Limits.PayloadBytes, options.Retention.MaxAge, options.Storage.SqlitePath));
        Assert.Equal(["https://shop.example", "http://localhost:3000"], options.AllowedOrigins);
    }

    [Fact]
    public void Lists_are_read_in_the_order_of_their_numbers_and_the_first_key_signs()
    {
        var options = Read("Production",
            ("Auth:SigningKey", new string('s', 32)), ("Auth:SigningKeys:10", new string('b', 32)), ("Auth:SigningKeys:9", new string('a', 32)),
            ("Auth:Grants:10:Subscribe:0", "later/#"), ("Auth:Grants:2:Claim", "role"), ("Auth:Grants:2:Value", "editor"),
                ("Auth:Grants:2:Publish:0", "docs/{user}/#"), ("Auth:Grants:2:Admin", "true"));
        Assert.Equal(["s", "a", "b"], options.Auth.AllSigningKeys.Select(key => key[..1]));
        Assert.Equal(["role", null], options.Auth.Grants.Select(grant => grant.Claim));
        Assert.Equal((true, "docs/{user}/#"), (options.Auth.Grants[0].Admin, options.Auth.Grants[0].Publish[0]));
    }

    [Theory]
    [InlineData("Production", false, false, false, null)]
    [InlineData("Staging", false, false, false, null)]
    [InlineData("Production", true, false, false, AccessMode.Everybody)]
    [InlineData("Production", false, false, true, AccessMode.Closed)]
    [InlineData("Production", true, false, true, AccessMode.Closed)]
    [InlineData("Production", false, true, false, AccessMode.Closed)]
    [InlineData("Production", true, true, false, AccessMode.Closed)]
    [InlineData("Development", false, false, false, AccessMode.Development)]
    [InlineData("Development", true, false, false, AccessMode.Development)]
    [InlineData("Development", false, true, false, AccessMode.Closed)]
    [InlineData("Development", false, false, true, AccessMode.Closed)]
    public void Callers_without_a_credential_are_let_in_by_what_is_configured_and_stored(string environment, bool allowAnonymous, bool token,
        bool storedKeys, object? expected)
    {
        var auth = new AuthSettings { AllowAnonymous = allowAnonymous, Embedded = false, OpenInDevelopment = true };
        if (token) auth.SigningKeys.Add(TestToken.Key);
        AccessMode Decide() => AccessModeDecision.Decide(auth, new TestEnvironment(environment), hostAuthenticates: false, storedKeys);
        if (expected is null) Assert.Contains("Notify:Auth:AllowAnonymous", Assert.Throws<SettingsException>(() => Decide()).Message, StringComparison.Ordinal);
        else Assert.Equal(expected, Decide());
    }

    [Fact]
    public void Inside_another_app_Development_is_closed_and_nothing_stops_the_app()
    {
        var auth = new AuthSettings();
        Assert.Equal(AccessMode.Closed, AccessModeDecision.Decide(auth, new TestEnvironment("Production"), hostAuthenticates: false, keysStored: false));
        Assert.Equal(AccessMode.Closed, AccessModeDecision.Decide(auth, new TestEnvironment("Development"), hostAuthenticates: false, keysStored: false));
        auth.OpenInDevelopment = true;
        Assert.Equal(AccessMode.Development, AccessModeDecision.Decide(auth, new TestEnvironment("Development"), hostAuthenticates: false, keysStored: false));
        auth.AllowAnonymous = true;
        Assert.Equal(AccessMode.Closed, AccessModeDecision.Decide(auth, new TestEnvironment("Production"), hostAuthenticates: true, keysStored: false));
    }

    [Theory]
    [InlineData("Urls", "http://0.0.0.0:5080", "this machine only")]
    [InlineData("Urls", "http://localhost:5080;http://*:5081", "this machine only")]
    [InlineData("Urls", "http://shop.example:5080", "this machine only")]
    [InlineData("HTTP_PORTS", "8080", "this machine only")]
    [InlineData("Kestrel:Endpoints:Public:Url", "http://[::]:80", "this machine only")]
    [InlineData("Urls", "localhost:5080", "must be addresses such as")]
    [InlineData("Urls", "ftp://localhost:21", "must be addresses such as")]
    [InlineData("Urls", "http://localhost:99999", "must be addresses such as")]
    [InlineData("Urls", "http://localhost:0", "http://127.0.0.1:0")]
    public void An_address_that_will_not_do_is_one_sentence(string key, string value, string expected)
    {
        var message =
            Assert.Throws<SettingsException>(() => ListenAddresses.Check(Configuration((key, value)), new TestEnvironment("Development"), _ => { })).Message;
        Assert.Contains(key, message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Development", "Urls", "http://127.0.0.1:0;https://[::1]:5081;http://localhost:80", null)]
    [InlineData("Production", "Urls", "http://+:80", null)]
    [InlineData("Production", "HTTP_PORTS", "8080", null)]
    [InlineData("Development", "Other", "", ListenAddresses.Default)]
    public void Without_an_address_there_is_the_default(string environment, string key, string value, string? expected)
    {
        string? used = null;
        ListenAddresses.Check(Configuration((key, value)), new TestEnvironment(environment), address => used = address);
        Assert.Equal(expected, used);
    }

    private static NotifyOptions Read(string environment, params (string Key, string Value)[] settings) =>
        NotifySettings.Read(Configuration([.. settings.Select(setting => ($"Notify:{setting.Key}", setting.Value))]), NotifyHost.OwnProcess);

    private static IConfiguration Configuration(params (string Key, string Value)[] settings) =>
        new ConfigurationBuilder().AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value))).Build();

    private sealed class TestEnvironment(string name) : IHostEnvironment
    {
        public string EnvironmentName { get; set; } = name;
        public string ApplicationName { get; set; } = "Notify.Tests";
        public string ContentRootPath { get; set; } = AppContext.BaseDirectory;
        public IFileProvider ContentRootFileProvider { get; set; } = new NullFileProvider();
    }
}
