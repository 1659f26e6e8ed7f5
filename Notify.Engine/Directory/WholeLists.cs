using Notify.Storage.Directory;

namespace Notify.Engine.Directory;

/// <summary>Lists of one user, read whole: the limits on users bound them.</summary>
internal static class WholeLists
{
    private const int Page = 1000;

    /// <summary>The names of all groups that the user is in.</summary>
    public static Task<IReadOnlyList<string>> ListAllGroupsOfAsync(this IDirectory directory, string user, CancellationToken cancellationToken) =>
        ReadAsync(after => directory.ListGroupsOfAsync(user, after, Page, cancellationToken));

    /// <summary>All durable subscriptions of the user.</summary>
    public static Task<IReadOnlyList<string>> ListAllSubscriptionsAsync(this IDirectory directory, string user, CancellationToken cancellationToken) =>
        ReadAsync(after => directory.ListSubscriptionsAsync(user, after, Page, cancellationToken));

    private static async Task<IReadOnlyList<string>> ReadAsync(Func<string?, Task<IReadOnlyList<string>>> readAfter)
    {
        var all = new List<string>();
        while (true)
        {
            var page = await readAfter(all.Count == 0 ? null : all[^1]);
            all.AddRange(page);
            if (page.Count < Page) return all;
        }
    }
}
