using System.Reflection;
using System.Text.Json.Nodes;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Tests.Faults.Breaking;

/// <summary>A log whose entries do not say that memberships end, or that they begin; nor does the directory.</summary>
internal sealed class ForgetfulLog(INotificationLog inner, bool ends) : BrokenLog(inner)
{
    public override IDirectory Directory { get; } = ForgetfulDirectory.Around(inner.Directory, ends);

    public override async Task<LogPage> ReadAsync(long after, int maxEntries, int maxBytes, CancellationToken cancellationToken)
    {
        var page = await Inner.ReadAsync(after, maxEntries, maxBytes, cancellationToken);
        return page with { Entries = [.. page.Entries.Select(entry => Forget(entry, ends))] };
    }

    internal static LogEntry Forget(LogEntry entry, bool ends)
    {
        if (entry.Kind != EntryKind.MembersChanged) return entry;
        var content = JsonNode.Parse(entry.Content.Span)!;
        foreach (var group in content["groups"]!.AsArray()) group![ends ? "left" : "joined"] = new JsonArray();
        return entry with { Content = System.Text.Encoding.UTF8.GetBytes(content.ToJsonString()) };
    }
}

/// <summary>The part of it that is the directory's.</summary>
public class ForgetfulDirectory : DispatchProxy
{
    private IDirectory _inner = null!;
    private bool _ends;

    public static IDirectory Around(IDirectory inner, bool ends)
    {
        var forgetful = Create<IDirectory, ForgetfulDirectory>();
        ((ForgetfulDirectory)(object)forgetful)._inner = inner;
        ((ForgetfulDirectory)(object)forgetful)._ends = ends;
        return forgetful;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        var result = targetMethod!.Invoke(_inner, args);
        return result switch
        {
            Task<ChangeResult> changed => ForgetAsync(changed),
            Task<PeopleReading> read => ForgetAsync(read),
            _ => result,
        };
    }

    private async Task<ChangeResult> ForgetAsync(Task<ChangeResult> changed)
    {
        var result = await changed;
        return result with { Stored = [.. result.Stored.Select(entry => ForgetfulLog.Forget(entry, _ends))] };
    }

    private async Task<PeopleReading> ForgetAsync(Task<PeopleReading> read)
    {
        var reading = await read;
        return reading with { Users = [.. reading.Users.Select(user => user with { Groups = [.. user.Groups.SelectMany(Forget)] })] };
    }

    private IEnumerable<Membership> Forget(Membership membership)
    {
        if (_ends) yield return membership with { Held = new Interval(membership.Held.Since) };
    }
}
