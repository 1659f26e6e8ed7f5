using Notify.Contracts;
using Notify.Contracts.Topics;

namespace Notify.Client.Connection;

/// <summary>The filters that the next Resume names. Read and changed under the client's call lock.</summary>
internal sealed class FollowedTopics
{
    private readonly List<string> _filters = [];

    public FollowedTopics(IEnumerable<string> filters) => Add(Checked(filters));

    public IReadOnlyList<string> Snapshot() => [.. _filters];

    public IReadOnlyList<string> Missing(IEnumerable<string> filters) => [.. filters.Except(_filters, StringComparer.Ordinal)];

    public void Add(IEnumerable<string> filters) => _filters.AddRange(Missing(filters));

    /// <summary>Forgets what is not among these.</summary>
    public void Keep(IReadOnlyList<string> filters) => _filters.RemoveAll(filter => !filters.Contains(filter, StringComparer.Ordinal));

    public void Remove(IEnumerable<string> filters) => _filters.RemoveAll(filter => filters.Contains(filter, StringComparer.Ordinal));

    /// <summary>
    /// Refuses bad filters where they are given: one that is remembered while there is no connection would otherwise
    /// make every later Resume fail.
    /// </summary>
    public static IReadOnlyList<string> Checked(IEnumerable<string> filters)
    {
        ArgumentNullException.ThrowIfNull(filters);
        string[] list = [.. filters];
        foreach (var filter in list)
            if (!TopicFilter.TryParse(filter, out _, out var problem))
                throw new NotifyException(ErrorCodes.InvalidFilter, problem);
        return list;
    }
}
