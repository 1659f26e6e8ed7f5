using System.Diagnostics;
using Notify.Engine.Cluster;
using Notify.Engine.Cluster.Backplanes;

namespace Notify.Tests.Cluster;

public class LinkPackingTests
{
    private static readonly Guid Epoch = Guid.NewGuid();
    private static readonly NoBackplane Splitting = new();
    private static readonly PostgresBackplane Short = new(null!, null!, null!, null!);

    [Fact]
    public void Batches_that_follow_one_another_become_one()
    {
        var packed = LinkPacking.Pack([Batch(1, 3), Batch(4, 2), Batch(9, 1)], Splitting).ToList();
        Assert.Equal([(1, 5), (9, 9)], packed.Select(Range));
    }

    [Fact]
    public void What_becomes_one_is_in_the_trace_of_the_first_that_has_one()
    {
        ActivityContext first = NewTrace(), second = NewTrace();
        var packed =
            LinkPacking.Pack([Batch(1, 1), Batch(2, 1) with { Trace = first }, Batch(3, 1) with { Trace = second }, Batch(9, 1) with { Trace = second }],
            Splitting);
        Assert.Equal([first, second], packed.Cast<LinkMessage.Entries>().Select(message => message.Trace));

        static ActivityContext NewTrace() => new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded);
    }

    [Fact]
    public void Batches_of_two_epochs_stay_two() =>
        Assert.Equal(2, LinkPacking.Pack([Batch(1, 3), new LinkMessage.Entries(Guid.NewGuid(), [Delivery.Entries.At(4)])], Splitting).Count());

    [Fact]
    public void What_is_too_large_is_split_between_versions_and_no_part_is_too_large()
    {
        var packed = LinkPacking.Pack([Batch(1, 100, bodyBytes: 60_000)], Splitting).ToList();
        Assert.True(packed.Count > 5);
        Assert.Equal(1, Range(packed[0]).First);
        Assert.Equal(100, Range(packed[^1]).Last);
        Assert.All(packed.Zip(packed.Skip(1)), pair => Assert.Equal(Range(pair.First).Last + 1, Range(pair.Second).First));
        Assert.All(packed, message => Assert.NotNull(LinkReader.Read(LinkWriter.Write(Guid.NewGuid(), message).Bytes)));
    }

    [Fact]
    public void Many_small_ones_are_split_too()
    {
        var packed = LinkPacking.Pack([Batch(1, LinkFormat.MaxEntries + 1)], Splitting).ToList();
        Assert.Equal([(1, LinkFormat.MaxEntries), (LinkFormat.MaxEntries + 1, LinkFormat.MaxEntries + 1)], packed.Select(Range));
    }

    [Fact]
    public void One_that_fits_in_no_message_goes_as_its_position() =>
        Assert.Equal([(1, 1), (2, 2), (3, 3)], LinkPacking.Pack([Batch(1, 1), Batch(2, 1, bodyBytes: LinkFormat.MaxBytes), Batch(3, 1)], Splitting)
            .Select(Range));

    [Fact]
    public void Where_nothing_is_split_a_large_batch_goes_as_its_position()
    {
        Assert.IsType<LinkMessage.Entries>(Assert.Single(LinkPacking.Pack([Batch(1, 1, bodyBytes: 7_000)], Short)));
        Assert.Equal(new LinkMessage.Position(Epoch, 1, 200), Assert.Single(LinkPacking.Pack([Batch(1, 200)], Short)));
    }

    [Fact]
    public void An_ephemeral_one_of_the_allowed_size_with_the_longest_topic_fits()
    {
        var entry = Delivery.Entries.At(0, new string('t', 512), $$"""{"body":"{{new string('x', Short.EphemeralBytes - 11)}}"}""") with { TopicSeq = 0 };
        Assert.Equal(Short.EphemeralBytes, entry.Content.Length);
        var encoded = LinkWriter.Write(Guid.NewGuid(), new LinkMessage.Ephemeral(Epoch, entry));
        Assert.True(Short.Cost(encoded.ContentsAt, entry.Content.Length) <= Short.MessageCost);
    }

    private static LinkMessage.Entries Batch(long first, int count, int bodyBytes = 1) => new(
        Epoch, [.. Enumerable.Range(0, count).Select(i => Delivery.Entries.At(first + i, content: $$"""{"body":"{{new string('x', bodyBytes)}}"}"""))]);

    private static (long First, long Last) Range(LinkMessage message) => message switch
    {
        LinkMessage.Entries { Committed: var entries } => (entries[0].Version, entries[^1].Version),
        LinkMessage.Position(_, var first, var last) => (first, last),
        _ => default,
    };
}
