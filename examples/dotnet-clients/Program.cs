// Three clients in one program, each a file that stands for itself:
//   dotnet run -- follow orders/#     Follower.cs    a console that follows, and says how the connection is
//   dotnet run -- work                OrderWorker.cs a worker with typed handlers, in a host
//   dotnet run -- publish 100         Backend.cs     a backend that publishes in a loop, through failures
// Where the service is: NOTIFY_URL, by default http://localhost:5080. InboxViewModel.cs is for a desktop app.
using DotnetClients;

var url = new Uri(Environment.GetEnvironmentVariable("NOTIFY_URL") ?? "http://localhost:5080");
switch (args)
{
    case ["follow", .. var topics]:
        await Follower.RunAsync(url, topics);
        break;
    case ["work"]:
        await OrderWorker.RunAsync(url);
        break;
    case ["publish", var count]:
        await Backend.RunAsync(url, int.Parse(count, System.Globalization.CultureInfo.InvariantCulture));
        break;
    default:
        Console.Error.WriteLine("follow TOPIC… | work | publish COUNT");
        return 2;
}

return 0;
