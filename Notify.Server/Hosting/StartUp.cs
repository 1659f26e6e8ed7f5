using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;
using Notify.Engine.Configuration;
using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Tail;
using Notify.Server.Configuration;
using Notify.Server.Connections;
using Notify.Server.Observability;

namespace Notify.Server.Hosting;

/// <summary>What belongs to the process and not to the service: its settings file, its log filter, its server, its end.</summary>
internal static class StartUp
{
    private const int MaxRequestLineBytes = 32 * 1024; // many filters in one query
    private const int Failure = 1;

    /// <summary>
    /// Connections that the kernel holds until they are accepted, if net.core.somaxconn allows. When a node's clients all come
    /// back at once, those beyond it try again after one second, three, seven; with Kestrel's 512 that were most of them.
    /// </summary>
    private const int Backlog = 16 * 1024;

    /// <summary>Of the 30 s that orchestrators give: after it, requests that still trickle in are cut.</summary>
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(25);

    /// <summary>A builder that reads its settings once, without IIS, QUIC and the logs of a debugger, which take memory and time of every start.</summary>
    /// <remarks>
    /// No file is watched: changed settings take effect at the next start, and the watches of a user are few, shared by all containers
    /// under one uid, and used up by others. What ASP.NET watches all the same (a certificate under Kestrel) it looks at now and then.
    /// </remarks>
    public static WebApplicationBuilder CreateBuilder(IEnumerable<string> settings)
    {
        Surroundings.Check();
        Environment.SetEnvironmentVariable("DOTNET_USE_POLLING_FILE_WATCHER", "true");
        var builder = WebApplication.CreateSlimBuilder(["--hostBuilder:reloadConfigOnChange=false", .. settings]);
        builder.WebHost.UseKestrelHttpsConfiguration();
        return builder;
    }

    /// <summary>Sets the process up; what is wrong with its settings comes as a <see cref="SettingsException"/>. Before the service is added.</summary>
    public static WebApplicationBuilder AddProcess(this WebApplicationBuilder builder)
    {
        OwnSettingsFile.AddTo(builder.Configuration);
        ProcessSettings.Check(builder.Configuration, Environment.GetEnvironmentVariables().Keys.Cast<string>());
        ListenAddresses.Check(builder.Configuration, builder.Environment, address => builder.WebHost.UseUrls(address));

        // Its "Request starting" line at Information prints the query, where browsers must put their token. Not at any other level
        // either: while it may log anything, each request gets an Activity and a scope that is not used. Traces do not need it.
        // And not for one kind of log either: a rule that names a provider comes before those that do not.
        builder.Services.PostConfigure<LoggerFilterOptions>(logging =>
        {
            foreach (var provider in logging.Rules.Select(rule => rule.ProviderName).Append(null).Distinct().ToList())
                logging.Rules.Add(new LoggerFilterRule(provider, "Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None, null));
        });

        // The slim builder chooses the simple formatter, whatever the settings say.
        builder.Services.PostConfigure<ConsoleLoggerOptions>(console =>
        {
            if (builder.Configuration[ProcessSettings.FormatterName] is { Length: > 0 } formatter) console.FormatterName = formatter;
        });

        // A start that fails is told once, by ReportMistakesAsync; this category would print it with its stack before.
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical);
        builder.Services.AddOptions<ForwardedHeadersOptions>()
            .PostConfigure<IOptions<NotifyOptions>>((forwarded, notify) => ProxyRules.Apply(forwarded, notify.Value));
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = StopLimit);
        builder.Services.AddSingleton(NotifyHost.OwnProcess);
        builder.Services.AddHealthChecks().AddNotifyParts();
        builder.Services.PostConfigure<ForwardedHeadersOptions>(headers =>
        {
            // A proxy that is believed about the scheme is believed about the path that it took off.
            if (headers.ForwardedHeaders != ForwardedHeaders.None) headers.ForwardedHeaders |= ForwardedHeaders.XForwardedPrefix;
        });
        Telemetry.AddExport(builder);

        // The thread that writes to a connection also sends, while the data is in the cache, instead of another thread later:
        // half as much again in a fan-out. The price, that code which blocks would hold up a connection's reading, is not
        // paid here: nothing of ours blocks. (docs/decisions/0008)
        builder.WebHost.UseSockets(sockets =>
        {
            sockets.UnsafePreferInlineScheduling = true;
            sockets.Backlog = Backlog;
        });
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>, TransportBlocksFactory>();
        builder.Services.AddConnectionCap();
        builder.Services.AddHostedService(services =>
            new MemoryReturn(services.GetRequiredService<SessionRegistry>(), MemoryReturn.Collect, services.GetRequiredService<TimeProvider>()));
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestLineSize = MaxRequestLineBytes;
        });
        return builder;
    }

    /// <summary>Trusts forwarded headers from <c>Notify:KnownProxies</c>; ASP.NET's own variable trusts them from every peer.</summary>
    public static WebApplication UseKnownProxies(this WebApplication app)
    {
        var known = app.Services.GetRequiredService<IOptions<NotifyOptions>>().Value.KnownProxies.Count > 0;
        var already = string.Equals(app.Configuration["FORWARDEDHEADERS_ENABLED"], "true", StringComparison.OrdinalIgnoreCase);
        if (known && !already) app.UseForwardedHeaders();
        return app;
    }

    /// <summary>Runs until it is told to stop, which it may be before it has started.</summary>
    public static async Task RunAsync(WebApplication app, CancellationToken stop)
    {
        await using (app)
        {
            if (await HasStartedAsync(app, stop)) await app.WaitForShutdownAsync(stop);
            if (app.Services.GetRequiredService<TailPosition>().StoppedBy is { } stopped) throw stopped;
            if (app.Services.GetRequiredService<LogOpening>().Misconfigured is { } misconfigured) throw misconfigured;
        }
    }

    // False: it was told to stop meanwhile, and has stopped.
    private static async Task<bool> HasStartedAsync(WebApplication app, CancellationToken stop)
    {
        try
        {
            await app.StartAsync(stop);
            return true;
        }
        catch (OperationCanceledException) when (app.Lifetime.ApplicationStopping.IsCancellationRequested)
        {
            // The host listens for the signal too, and may hear it first; or one of its services stopped it, which RunAsync asks for.
            await app.StopAsync(CancellationToken.None);
            return false;
        }
        catch (Exception exception) when (exception is not SettingsException) // whose one sentence nothing stands above
        {
            await app.StopAsync(CancellationToken.None); // else what did start calls its disposal a failure, above the one sentence that matters
            throw;
        }
    }

    /// <summary>
    /// Runs the process; an operator's mistake is one sentence on stderr and exit code 1, without a stack. A process that is told to
    /// stop ends with 0, whatever it was about to do.
    /// </summary>
    public static async Task<int> ReportMistakesAsync(Func<CancellationToken, Task> run)
    {
        using var stop = new StopRequest();
        try
        {
            await run(stop.Token);
            return 0;
        }
        catch (Exception) when (stop.Token.IsCancellationRequested)
        {
            return 0; // cut short in the middle of its start: what failed, failed because of it
        }
        catch (Exception exception) when (StartMistake.Sentence(exception) is { } sentence)
        {
            await Console.Error.WriteLineAsync(sentence);
            return Failure;
        }
    }
}
