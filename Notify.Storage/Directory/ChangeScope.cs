namespace Notify.Storage.Directory;

/// <summary>What has to be known to decide a batch of changes: names, and pairs of names.</summary>
internal sealed class ChangeScope
{
    private ChangeScope(SortedSet<string> users, SortedSet<string> groups)
    {
        Users = [.. users];
        Groups = [.. groups];
    }

    /// <summary>All users that are named, in ordinal order: the order in which they are made.</summary>
    public string[] Users { get; }
    public string[] Groups { get; }
    public List<(string Group, string User)> Memberships { get; } = [];
    public List<(string User, string Filter)> Filters { get; } = [];
    public List<string> Keys { get; } = [];

    /// <summary>Users whose attributes change.</summary>
    public SortedSet<string> Attributes { get; } = new(StringComparer.Ordinal);
    public List<DirectoryChange.ApplyRule> Applied { get; } = [];
    public List<DirectoryChange.ActivateGroup> Activated { get; } = [];

    /// <summary>Whether any of it depends on the rules being what they were.</summary>
    public bool NeedsRules => Attributes.Count + Applied.Count + Activated.Count > 0;

    /// <summary>Whether any of it may change the rules.</summary>
    public bool MayChangeRules { get; private set; }

    /// <summary>Worked out beforehand: there is little sense in looking without the lock whether it changes anything.</summary>
    public bool IsWorkedOut => Applied.Count + Activated.Count > 0;

    /// <summary>The groups whose rule is worked through.</summary>
    public long[] Work => [.. Applied.Select(applied => applied.Work.Group).Concat(Activated.Select(activated => activated.Work.Group)).Distinct().Order()];

    /// <summary>Items of inboxes to mark, by user.</summary>
    public List<(string User, long Version)> Marked { get; } = [];

    /// <summary>Users whose inboxes are marked, the highest version that they are marked up to, and the highest one archived up to; 0: items alone.</summary>
    public Dictionary<string, (long UpTo, long ArchivedUpTo)> Marking { get; } = new(StringComparer.Ordinal);

    /// <summary>How many groups each user may join by these changes.</summary>
    public Dictionary<string, int> Joins { get; } = new(StringComparer.Ordinal);

    /// <summary>How many durable subscriptions may begin for each user.</summary>
    public Dictionary<string, int> Follows { get; } = new(StringComparer.Ordinal);

    public static ChangeScope Of(IReadOnlyList<DirectoryChange> changes)
    {
        var scope = new ChangeScope(
            new(changes.SelectMany(UsersOf), StringComparer.Ordinal), new(changes.SelectMany(GroupsOf), StringComparer.Ordinal));
        foreach (var change in changes) scope.Add(change);
        return scope;
    }

    private static IEnumerable<string> UsersOf(DirectoryChange change) => change switch
    {
        DirectoryChange.ChangeMembers members => members.Add.Concat(members.Remove),
        DirectoryChange.JoinGroups join => [join.User],
        DirectoryChange.LeaveGroups leave => [leave.User],
        DirectoryChange.Subscribe subscribe => [subscribe.User],
        DirectoryChange.Unsubscribe unsubscribe => [unsubscribe.User],
        DirectoryChange.ChangeAttributes attributes => [attributes.User],
        DirectoryChange.RevokeTokens revoke => [revoke.User],
        DirectoryChange.Disconnect disconnect => [disconnect.User],
        DirectoryChange.MarkInbox mark => [mark.User],
        _ => [],
    };

    private static IEnumerable<string> GroupsOf(DirectoryChange change) => change switch
    {
        DirectoryChange.PutGroup put => [put.Group],
        DirectoryChange.DeleteGroup delete => [delete.Group],
        DirectoryChange.ChangeMembers members => [members.Group],
        DirectoryChange.JoinGroups join => join.Groups,
        DirectoryChange.LeaveGroups leave => leave.Groups,
        _ => [],
    };

    private void Add(DirectoryChange change)
    {
        switch (change)
        {
            case DirectoryChange.ChangeMembers members:
                foreach (var user in members.Add) Join(members.Group, user);
                foreach (var user in members.Remove) Memberships.Add((members.Group, user));
                break;
            case DirectoryChange.JoinGroups join:
                foreach (var group in join.Groups) Join(group, join.User);
                break;
            case DirectoryChange.LeaveGroups leave:
                foreach (var group in leave.Groups) Memberships.Add((group, leave.User));
                break;
            case DirectoryChange.Subscribe subscribe:
                foreach (var filter in subscribe.Filters) Filters.Add((subscribe.User, filter));
                Follows[subscribe.User] = Follows.GetValueOrDefault(subscribe.User) + subscribe.Filters.Count;
                break;
            case DirectoryChange.Unsubscribe unsubscribe:
                foreach (var filter in unsubscribe.Filters) Filters.Add((unsubscribe.User, filter));
                break;
            case DirectoryChange.PutGroup or DirectoryChange.DeleteGroup:
                MayChangeRules = true;
                break;
            case DirectoryChange.ChangeAttributes attributes:
                Attributes.Add(attributes.User);
                break;
            case DirectoryChange.ApplyRule applied:
                Applied.Add(applied);
                break;
            case DirectoryChange.ActivateGroup activated:
                Activated.Add(activated);
                MayChangeRules = true;
                break;
            case DirectoryChange.CreateKey create:
                Keys.Add(create.Key.Id);
                break;
            case DirectoryChange.RevokeKey revoke:
                Keys.Add(revoke.Key);
                break;
            case DirectoryChange.MarkInbox mark:
                foreach (var item in mark.Items ?? []) Marked.Add((mark.User, item.Version));
                var (upTo, archived) = Marking.GetValueOrDefault(mark.User);
                if (mark.Items is null) upTo = Math.Max(upTo, mark.UpTo);
                if (mark is { Items: null, Operation: Inbox.InboxOperation.Archive }) archived = Math.Max(archived, mark.UpTo);
                Marking[mark.User] = (upTo, archived);
                break;
            default:
                break;
        }
    }

    private void Join(string group, string user)
    {
        Memberships.Add((group, user));
        Joins[user] = Joins.GetValueOrDefault(user) + 1;
    }
}
