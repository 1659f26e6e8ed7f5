using Notify.Server;
using Notify.Server.Api;
using Notify.Server.Connections;
using Notify.Server.Hosting;

return await StartUp.ReportMistakesAsync(async stop =>
{
    if (HelpCommand.IsAsked(args))
    {
        Console.Write(HelpCommand.Text());
        return;
    }

    if (VersionCommand.IsAsked(args))
    {
        Console.WriteLine(VersionCommand.Text());
        return;
    }

    var line = CommandLine.Read(args);
    var builder = StartUp.CreateBuilder(line.Settings).AddProcess();
    builder.Services.AddNotify(builder.Configuration, builder.Environment);

    if (line.Command == NewEpochCommand.Name)
    {
        await NewEpochCommand.RunAsync(builder, stop);
        return;
    }

    if (line.Command == MoveSchemaCommand.Name)
    {
        await MoveSchemaCommand.RunAsync(builder, stop);
        return;
    }

    if (line.Command == CreateKeyCommand.Name)
    {
        await CreateKeyCommand.RunAsync(builder, line.Options, stop);
        return;
    }

    if (line.Command == TokenCommand.Name)
    {
        await TokenCommand.RunAsync(builder, line.Options);
        return;
    }

    var app = builder.Build();
    app.UseConnectionCap();
    app.UseKnownProxies();
    app.MapNotify();
    app.MapNotifyProcess();
    await StartUp.RunAsync(app, stop);
});
