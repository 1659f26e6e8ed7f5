using Microsoft.Extensions.Options;
using Notify.Contracts;
using Notify.Contracts.Topics;
using Notify.Engine.Configuration;

namespace Notify.Engine.Delivery.Routing;

/// <summary>Reads the filters that a client names, in a query and in a hub call alike.</summary>
internal sealed class FilterReader(IOptions<NotifyOptions> options)
{
    private readonly int _limit = options.Value.Limits.FiltersPerConnection;

    /// <summary>More filters than one connection or call may have.</summary>
    public Refusal TooMany { get; } = new(
        ErrorCodes.InvalidRequest,
        $"At most {options.Value.Limits.FiltersPerConnection} filters are followed on a connection or named in a call (Notify:Limits:FiltersPerConnection).");

    /// <summary>Each once, in their order; one bad filter refuses all.</summary>
    public Refusal? Read(IReadOnlyList<string?>? texts, out List<TopicFilter> filters)
    {
        filters = [];
        if (texts?.Count > _limit) return TooMany;
        var known = new HashSet<TopicFilter>();
        foreach (var text in texts ?? [])
        {
            if (!TopicFilter.TryParse(text, out var filter, out var problem)) return new Refusal(ErrorCodes.InvalidFilter, problem);
            if (known.Add(filter)) filters.Add(filter);
        }

        return null;
    }
}
