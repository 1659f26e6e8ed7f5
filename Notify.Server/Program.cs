using Notify.Server;
using Notify.Server.Api;
using Notify.Server.Hosting;

return await StartUp.ReportMistakesAsync(async () =>
{
    if (HelpCommand.IsAsked(args))
    {
        Console.Write(HelpCommand.Text());
        return;
    }

    StartUp.CheckCommand(args);
    var (command, options) = Commands.Find(args);
    var builder = WebApplication.CreateBuilder(options?.Settings ?? args).AddProcess();
    builder.Services.AddNotify(builder.Configuration, builder.Environment);

    if (command is not null)
    {
        await command(builder, options!);
        return;
    }

    var app = builder.Build();
    app.UseKnownProxies();
    app.MapNotify();
    app.MapFallback(ApiEndpoints.NothingHereAsync);
    await StartUp.RunAsync(app);
});
