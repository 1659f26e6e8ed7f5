using Notify.Engine.Configuration;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Delivery.Sessions;
using Notify.Server.Hosting;
using Notify.Tests.Delivery;

namespace Notify.Tests.Hosting;

public sealed class MemoryReturnTests : IAsyncLifetime
{
    private readonly SessionRegistry _sessions = new();
    private readonly MemoryReturn _memory;
    private int _collections;
    private int _connected;

    public MemoryReturnTests() => _memory = new MemoryReturn(_sessions, () => _collections++, TimeProvider.System);

    public async ValueTask InitializeAsync() => await _memory.StartAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _memory.StopAsync(TestContext.Current.CancellationToken);
        _memory.Dispose();
    }

    [Fact]
    public void After_many_have_left_and_no_more_leave_memory_is_returned_once()
    {
        Connect(MemoryReturn.LeastLeft);
        Look(0);
        Leave(MemoryReturn.LeastLeft - 1);
        Look(0); // they are leaving
        Look(0); // one too few has left
        Leave(1);
        Look(0);
        Look(1);
        Look(1);
    }

    [Fact]
    public void Those_that_come_and_leave_between_two_looks_count()
    {
        Connect(2000);
        Leave(2000);
        Look(1);
    }

    [Fact]
    public void While_more_than_half_stay_nothing_is_collected()
    {
        Connect(4000);
        Leave(1999);
        Look(0);
        Look(0);
        Leave(1);
        Look(0);
        Look(1);
        Connect(1000); // not as many as before: nothing to return when they leave but their own
        Leave(1000);
        Look(1);
    }

    [Fact]
    public void What_a_start_left_is_returned_once_while_there_are_no_connections()
    {
        Look(1);
        Look(1);
    }

    [Fact]
    public void A_node_with_connections_is_not_stopped_for_what_its_start_left()
    {
        Connect(1);
        Look(0);
        Look(0);
    }

    private void Connect(int count)
    {
        for (var i = 0; i < count; i++, _connected++)
            _sessions.Add($"c{_connected}", new DeliverySession(new RecordingSink(), new Router(), null!, new LimitSettings()), null);
    }

    private void Leave(int count)
    {
        for (var i = 0; i < count; i++) _sessions.Remove($"c{--_connected}");
    }

    private void Look(int collections)
    {
        _memory.Look();
        Assert.Equal(collections, _collections);
    }
}
