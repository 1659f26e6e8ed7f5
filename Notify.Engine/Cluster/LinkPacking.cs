using System.Diagnostics;
using Notify.Engine.Cluster.Backplanes;
using Notify.Storage.Log;

namespace Notify.Engine.Cluster;

/// <summary>
/// Makes what has gathered while a message was on its way into as few messages as the backplane allows: batches that
/// follow one another become one, in the first one's trace, and one that is too large is split between versions or goes
/// without contents.
/// </summary>
internal static class LinkPacking
{
    private const int FixedBytes = LinkFormat.HeaderBytes + LinkFormat.RangeBytes + LinkFormat.TraceBytes;

    public static IEnumerable<LinkMessage> Pack(IReadOnlyList<LinkMessage> gathered, IBackplane backplane)
    {
        for (var i = 0; i < gathered.Count;)
        {
            if (gathered[i] is not LinkMessage.Entries batch)
            {
                yield return gathered[i++];
                continue;
            }

            var run = new List<LogEntry>(batch.Committed);
            var trace = batch.Trace;
            while (++i < gathered.Count && gathered[i] is LinkMessage.Entries next && next.Epoch == batch.Epoch
                && next.Committed[0].Version == run[^1].Version + 1)
            {
                run.AddRange(next.Committed);
                if (trace == default) trace = next.Trace;
            }

            foreach (var message in Pack(batch.Epoch, run, trace, backplane)) yield return message;
        }
    }

    private static IEnumerable<LinkMessage> Pack(Guid epoch, List<LogEntry> run, ActivityContext trace, IBackplane backplane)
    {
        for (var first = 0; first < run.Count;)
        {
            var (meta, content, count) = (FixedBytes, 0, 0);
            while (first + count < run.Count && count < LinkFormat.MaxEntries)
            {
                var entry = run[first + count];
                (meta, content) = (meta + LinkFormat.MetaBytes(entry), content + entry.Content.Length);
                if (backplane.Cost(meta, content) > backplane.MessageCost) break;
                count++;
            }

            if (count < run.Count && !backplane.Splits)
            {
                yield return new LinkMessage.Position(epoch, run[0].Version, run[^1].Version);
                yield break;
            }

            yield return count > 0
                ? new LinkMessage.Entries(epoch, run.GetRange(first, count)) { Trace = trace }
                : new LinkMessage.Position(epoch, run[first].Version, run[first].Version);
            first += Math.Max(1, count);
        }
    }
}
