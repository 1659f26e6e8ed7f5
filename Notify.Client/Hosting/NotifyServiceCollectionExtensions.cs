using System.Net.Http.Headers;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Notify.Client;
using Notify.Client.Hosting;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Adds the client and the publisher of Notify to an app.</summary>
public static class NotifyClientServiceCollectionExtensions
{
    /// <summary>
    /// Adds a <see cref="NotifyClient"/>, with settings from the section <c>Notify:Client</c>, checked when the app starts. A
    /// <see cref="NotificationHandler"/> starts it; without one the app calls <see cref="NotifyClient.StartAsync"/>.
    /// </summary>
    public static IServiceCollection AddNotifyClient(this IServiceCollection services, Action<NotifyClientSettings>? configure = null)
    {
        AddClientSettings(services, Options.Options.DefaultName, "Notify:Client", configure);
        services.TryAddSingleton(provider => MakeClient(provider, Options.Options.DefaultName));
        return services;
    }

    /// <summary>
    /// Adds a <see cref="NotifyClient"/> under a key, for apps with several services: <c>[FromKeyedServices("orders")] NotifyClient client</c>.
    /// Settings are from the section <c>Notify:Clients:{name}</c>.
    /// </summary>
    public static IServiceCollection AddNotifyClient(this IServiceCollection services, string name, Action<NotifyClientSettings>? configure = null)
    {
        AddClientSettings(services, name, "Notify:Clients:" + name, configure);
        services.TryAddKeyedSingleton(name, (provider, _) => MakeClient(provider, name));
        return services;
    }

    /// <summary>
    /// Adds a <see cref="NotifyPublisher"/>, with settings from the section <c>Notify:Publisher</c>, checked when the app starts.
    /// </summary>
    /// <returns>The builder of its HTTP client. It repeats by itself: add no handler that repeats too.</returns>
    public static IHttpClientBuilder AddNotifyPublisher(this IServiceCollection services, Action<NotifyPublisherSettings>? configure = null)
    {
        services.TryAddSingleton(provider => MakePublisher(provider, Options.Options.DefaultName));
        return AddPublisherSettings(services, Options.Options.DefaultName, "Notify:Publisher", configure);
    }

    /// <summary>Adds a <see cref="NotifyPublisher"/> under a key; settings are from the section <c>Notify:Publishers:{name}</c>.</summary>
    /// <inheritdoc cref="AddNotifyPublisher(IServiceCollection, Action{NotifyPublisherSettings}?)"/>
    public static IHttpClientBuilder AddNotifyPublisher(this IServiceCollection services, string name, Action<NotifyPublisherSettings>? configure = null)
    {
        services.TryAddKeyedSingleton(name, (provider, _) => MakePublisher(provider, name));
        return AddPublisherSettings(services, name, "Notify:Publishers:" + name, configure);
    }

    /// <summary>
    /// Adds a health check of the client: healthy while it is live or catching up, degraded while it is away, unhealthy when it was
    /// refused for good or stopped.
    /// </summary>
    /// <param name="builder">The app's health checks.</param>
    /// <param name="name">The key of the client; null: the one without a key.</param>
    /// <param name="tags">Tags of the check.</param>
    public static IHealthChecksBuilder AddNotifyClient(this IHealthChecksBuilder builder, string? name = null, IEnumerable<string>? tags = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.Add(new HealthCheckRegistration(
            name is null ? "notify" : "notify-" + name,
            provider => new NotifyClientHealthCheck(name is null ? provider.GetRequiredService<NotifyClient>()
                : provider.GetRequiredKeyedService<NotifyClient>(name)),
            failureStatus: null,
            tags));
    }

    private static void AddClientSettings(IServiceCollection services, string name, string section, Action<NotifyClientSettings>? configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<NotifyClientSettings>(name)
            .Configure<IServiceProvider>((settings, provider) => SettingsBinding.Bind(provider.GetService<IConfiguration>()?.GetSection(section), settings))
            .Configure(settings => configure?.Invoke(settings))
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<NotifyClientSettings>>(new Validation<NotifyClientSettings>(name, section, settings =>
            settings.ToOptions(null, null).Problem()));
    }

    private static IHttpClientBuilder AddPublisherSettings(IServiceCollection services, string name, string section, Action<NotifyPublisherSettings>? configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<NotifyPublisherSettings>(name)
            .Configure<IServiceProvider>((settings, provider) => SettingsBinding.Bind(provider.GetService<IConfiguration>()?.GetSection(section), settings))
            .Configure(settings => configure?.Invoke(settings))
            .ValidateOnStart();
        services.AddSingleton<IValidateOptions<NotifyPublisherSettings>>(new Validation<NotifyPublisherSettings>(name, section, settings =>
            settings.Problem()));
        return services.AddHttpClient(HttpClientName(name)).ConfigureHttpClient((provider, http) =>
        {
            var settings = provider.GetRequiredService<IOptionsMonitor<NotifyPublisherSettings>>().Get(name);
            http.Timeout = settings.Timeout;
            if (settings.Token is { } token) http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        });
    }

    private static NotifyClient MakeClient(IServiceProvider provider, string name)
    {
        var settings = provider.GetRequiredService<IOptionsMonitor<NotifyClientSettings>>().Get(name);
        return new NotifyClient(settings.ToOptions(provider, provider.GetService<ILoggerFactory>()));
    }

    // The HTTP client is kept: its handler's connections are renewed, so that other addresses of a name are found.
    private static NotifyPublisher MakePublisher(IServiceProvider provider, string name) => new(
        provider.GetRequiredService<IHttpClientFactory>().CreateClient(HttpClientName(name)),
        provider.GetRequiredService<IOptionsMonitor<NotifyPublisherSettings>>().Get(name).ToOptions());

    private static string HttpClientName(string name) => name.Length == 0 ? "Notify" : "Notify:" + name;

    private sealed class Validation<T>(string name, string section, Func<T, string?> problem) : IValidateOptions<T>
        where T : class
    {
        public ValidateOptionsResult Validate(string? optionsName, T options) =>
            optionsName != name ? ValidateOptionsResult.Skip
            : problem(options) is { } text ? ValidateOptionsResult.Fail($"{section}: {text}")
            : ValidateOptionsResult.Success;
    }
}
