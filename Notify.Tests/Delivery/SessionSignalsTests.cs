using Notify.Contracts.Hub;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Sessions;

namespace Notify.Tests.Delivery;

public class SessionSignalsTests
{
    [Fact]
    public void The_last_word_of_each_kind_comes_in_the_order_in_which_it_was_said()
    {
        var signals = default(SessionSignals);
        Assert.True(signals.IsEmpty);
        Assert.False(signals.TryTake(out _));
        var frames = Enumerable.Range(0, 4).Select(_ => new ControlFrame(ClientMethods.Progress, new Progress(1, "e"))).ToArray();
        foreach (var (key, frame) in new[] { ("a", frames[0]), ("b", frames[1]), ("a", frames[2]), ("c", frames[3]) }) signals.Add(key, frame);

        var taken = new List<OutgoingFrame>();
        while (signals.TryTake(out var frame)) taken.Add(frame);
        Assert.Equal([frames[1], frames[2], frames[3]], taken);
        Assert.True(signals.IsEmpty);
    }
}
