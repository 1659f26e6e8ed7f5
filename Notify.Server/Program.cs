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
    var (newEpoch, moveSchema) = (args is [NewEpochCommand.Name, ..], args is [MoveSchemaCommand.Name, ..]);
    var builder = WebApplication.CreateBuilder(newEpoch || moveSchema ? args[1..] : args).AddProcess();
    builder.Services.AddNotify(builder.Configuration, builder.Environment);

    if (newEpoch)
    {
        await NewEpochCommand.RunAsync(builder);
        return;
    }

    if (moveSchema)
    {
        await MoveSchemaCommand.RunAsync(builder);
        return;
    }

    var app = builder.Build();
    app.MapNotify();
    app.MapFallback(ApiEndpoints.NothingHereAsync);
    await StartUp.RunAsync(app);
});
