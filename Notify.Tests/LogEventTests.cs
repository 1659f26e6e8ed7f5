using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Notify.Client;
using Notify.Engine;
using Notify.Server;
using Notify.Storage.Log;
using Notify.Tests.Fixtures;

namespace Notify.Tests;

/// <summary>Operators filter and alert by event id: each is unique, and listed in the operations guide as it is logged.</summary>
public sealed partial class LogEventTests
{
    private static readonly Assembly[] Assemblies =
        [typeof(Refusal).Assembly, typeof(NotifyEndpoints).Assembly, typeof(INotificationLog).Assembly, typeof(NotifyClient).Assembly];

    [Fact]
    public void Every_log_line_has_an_event_id_of_its_own_and_a_row_in_the_operations_guide()
    {
        var logged = Assemblies.SelectMany(assembly => assembly.GetTypes())
            .SelectMany(type =>
                type.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.DeclaredOnly))
            .Select(method => method.GetCustomAttribute<LoggerMessageAttribute>())
            .OfType<LoggerMessageAttribute>()
            .Select(line => (Id: line.EventId, Level: line.Level.ToString(), line.Message))
            .OrderBy(line => line.Id)
            .ToList();
        Assert.NotEmpty(logged);
        Assert.All(logged, line => Assert.True(line.Id > 0, $"'{line.Message}' has no event id."));
        Assert.Empty(logged.GroupBy(line => line.Id).Where(same => same.Count() > 1).Select(same => same.Key));

        var listed = Row().Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs", "operations.md")))
            .Select(row =>
                (Id: int.Parse(row.Groups["id"].Value, CultureInfo.InvariantCulture), Level: row.Groups["level"].Value, Message: row.Groups["message"].Value));
        Assert.Equal(logged.Select(line => $"| {line.Id} | {line.Level} | {line.Message} |"),
            listed.Select(line => $"| {line.Id} | {line.Level} | {line.Message} |"));
    }

    [GeneratedRegex(@"^\| (?<id>\d{4}) \| (?<level>\w+) \| (?<message>.*) \|$", RegexOptions.Multiline)]
    private static partial Regex Row();
}
