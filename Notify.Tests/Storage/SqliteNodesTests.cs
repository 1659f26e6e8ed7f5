using Notify.Storage.Log;
using Notify.Storage.Sqlite;
using Notify.Tests.Fixtures;
using Notify.Tests.Specifications;

namespace Notify.Tests.Storage;

/// <summary>The specification of nodes on SQLite, which goes by the process's clock.</summary>
public sealed class SqliteNodesTests : NodesSpecification
{
    private readonly TempFolder _folder = new();
    private readonly ShiftedTime _time = new();

    protected override async Task<INotificationLog> OpenAsync() => await SqliteLog.OpenAsync(new() { SqlitePath = _folder.File("log.db") }, Stop, _time);

    protected override Task PassAsync(TimeSpan time)
    {
        _time.Advance(time);
        return Task.CompletedTask;
    }

    [Fact]
    public async Task A_start_clears_what_a_killed_process_left()
    {
        await Log.Nodes.RenewAsync(new(Guid.NewGuid(), "1", "host", TimeSpan.Zero, 0, 0, 7), TimeSpan.FromMinutes(1), Stop);
        await Log.DisposeAsync();
        Log = await OpenAsync();
        Assert.Empty((await Log.Nodes.ReadStatisticsAsync(Stop)).Nodes);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }
}
