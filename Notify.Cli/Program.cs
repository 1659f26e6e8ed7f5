using Notify.Cli;

using var interrupted = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true; // ends the command in good order
    interrupted.Cancel();
};
return await NotifyCommand.RunAsync(args, CliConsole.OfProcess(), interrupted.Token);
