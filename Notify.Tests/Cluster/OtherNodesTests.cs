using Microsoft.Extensions.Time.Testing;
using Notify.Engine.Cluster;

namespace Notify.Tests.Cluster;

public class OtherNodesTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly OtherNodes _others;

    public OtherNodesTests() => _others = new OtherNodes(_time);

    [Fact]
    public void A_node_that_hears_itself_and_no_other_for_long_enough_is_alone()
    {
        HearOnlyMyself(OtherNodes.Silence - OtherNodes.HelloInterval);
        Assert.True(_others.MayBeThere);
        HearOnlyMyself(OtherNodes.HelloInterval);
        Assert.False(_others.MayBeThere);
    }

    [Fact]
    public void A_node_that_hears_nothing_at_all_cannot_know()
    {
        _time.Advance(OtherNodes.Silence * 10);
        Assert.True(_others.MayBeThere);
        _others.HeardSelf();
        Assert.False(_others.MayBeThere);
        _time.Advance(OtherNodes.Silence);
        Assert.True(_others.MayBeThere);
    }

    [Fact]
    public void Another_one_ends_it_and_only_the_first_time_says_so()
    {
        HearOnlyMyself(OtherNodes.Silence);
        Assert.True(_others.Heard(Guid.NewGuid()));
        Assert.True(_others.MayBeThere);
        Assert.False(_others.Heard(Guid.NewGuid()));
    }

    [Fact]
    public void A_node_is_alone_at_once_when_the_database_names_no_other_and_it_hears_itself()
    {
        _others.Share([]);
        Assert.True(_others.MayBeThere);
        _others.HeardSelf();
        Assert.False(_others.MayBeThere);

        Assert.True(_others.BeginToListen());
        Assert.True(_others.MayBeThere);
        Assert.False(_others.BeginToListen());
        _others.Share([Guid.NewGuid()]);
        Assert.True(_others.MayBeThere);
        _others.Share([]);
        Assert.False(_others.MayBeThere);

        _time.Advance(OtherNodes.Silence); // it does not hear itself any more
        _others.Share([]);
        Assert.True(_others.MayBeThere);
    }

    [Fact]
    public void A_node_that_was_heard_is_there_also_if_the_database_does_not_name_it()
    {
        _others.Heard(Guid.NewGuid());
        _others.HeardSelf();
        _others.Share([]);
        Assert.True(_others.MayBeThere);
    }

    [Fact]
    public void A_node_of_the_same_database_that_is_not_heard_for_long_is_told_until_it_is_heard_or_gone()
    {
        var (silent, heard) = (Guid.NewGuid(), Guid.NewGuid());
        for (var passed = TimeSpan.Zero; passed < OtherNodes.Unreached; passed += OtherNodes.HelloInterval)
        {
            _others.Share([silent, heard]);
            Assert.Empty(_others.Unheard);
            _time.Advance(OtherNodes.HelloInterval);
            _others.Heard(heard);
        }

        _others.Share([silent, heard]);
        Assert.Equal([silent], _others.Unheard);
        _others.Heard(silent);
        _others.Share([silent, heard]);
        Assert.Empty(_others.Unheard);
        _time.Advance(OtherNodes.Unreached);
        _others.Share([heard]); // a node that ended
        Assert.Equal([heard], _others.Unheard);
    }

    private void HearOnlyMyself(TimeSpan time)
    {
        for (var passed = TimeSpan.Zero; passed < time; passed += OtherNodes.HelloInterval)
        {
            _time.Advance(OtherNodes.HelloInterval);
            _others.HeardSelf();
        }
    }
}
