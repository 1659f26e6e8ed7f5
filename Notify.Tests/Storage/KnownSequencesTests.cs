using Notify.Storage.Inbox;
using Notify.Storage.Postgres;

namespace Notify.Tests.Storage;

public sealed class KnownSequencesTests
{
    private static readonly Guid Epoch = Guid.NewGuid();

    private readonly KnownSequences _known = new();

    [Fact]
    public void What_one_range_told_of_a_version_is_known_for_every_range_that_begins_or_ends_there()
    {
        _known.Add(Epoch, [(new TopicRange(1, 10, 20), 5, 8)]);
        Assert.Equal((5, 8), Find(1, 10, 20));
        Assert.Equal((9, null), Find(1, 20, 30)); // the next one after the last
        Assert.Equal((null, 4), Find(1, 0, 10)); // the last one before the first
        Assert.Equal((null, null), Find(2, 10, 20)); // another topic
        Assert.Equal((null, null), Find(1, 11, 19));
    }

    [Fact]
    public void Another_epoch_knows_nothing_of_it()
    {
        _known.Add(Epoch, [(new TopicRange(1, 10, 20), 5, 8)]);
        var other = Guid.NewGuid();
        Assert.Equal((null, null), Find(1, 10, 20, other));
        _known.Add(other, [(new TopicRange(1, 10, 20), 1, 2)]);
        Assert.Equal((1, 2), Find(1, 10, 20, other));
        Assert.Equal((null, null), Find(1, 10, 20));
    }

    [Fact]
    public void Of_many_those_that_are_not_asked_for_are_forgotten()
    {
        _known.Add(Epoch, [(new TopicRange(1, 10, 20), 5, 8), (new TopicRange(2, 10, 20), 5, 8)]);
        for (var i = 0; i < 300_000; i += 1000)
        {
            _known.Add(Epoch, Enumerable.Range(i, 1000).Select(topic => (new TopicRange(10 + topic, 0, 1), 1L, 1L)));
            Assert.Equal((5, 8), Find(1, 10, 20));
        }

        Assert.Equal((null, null), Find(2, 10, 20));
        Assert.Equal((1, 1), Find(10 + 299_999, 0, 1));
    }

    private (long? First, long? Last) Find(long topic, long after, long through, Guid? epoch = null)
    {
        var (first, last) = _known.Find(epoch ?? Epoch, [new TopicRange(topic, after, through)]);
        return (first[0], last[0]);
    }
}
