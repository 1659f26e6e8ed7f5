using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Notify.Engine.Configuration;
using Notify.Server.Configuration;
using Notify.Server.Connections;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Connections;

public class ConnectionCapTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0, 1024L, 300, 1024 - 300 - ConnectionCap.Kept)] // derived
    [InlineData(100, 1024L, 300, 100)] // set
    [InlineData(0, null, 300, int.MaxValue)] // a system that does not say
    [InlineData(100, null, 300, 100)]
    [InlineData(0, 1L << 40, 300, int.MaxValue)]
    public void What_is_taken_is_what_the_limit_of_open_files_leaves(int setting, long? limit, int open, int most)
    {
        using var cap = Settled(setting, limit, open);
        Assert.Equal(most, cap.Most);
    }

    [Theory]
    [InlineData(0, 512, 300, "512 open files and needs 492 itself")]
    [InlineData(800, 1024, 300, "lower the setting to 532 or less")]
    public void What_it_does_not_leave_is_one_sentence(int setting, long limit, int open, string expected) =>
        Assert.Contains(expected, Assert.Throws<SettingsException>(() => Settled(setting, limit, open)).Message, StringComparison.Ordinal);

    [Fact]
    public void The_kernel_says_how_many_files_may_be_open()
    {
        Assert.Equal(1024, OpenFiles.Limit(["Limit                     Soft Limit           Hard Limit           Units", "Max open files            1024    " +
            "             524288               files     "]));
        Assert.Null(OpenFiles.Limit(["Max open files            unlimited            unlimited            files     "]));
        Assert.Null(OpenFiles.Limit([]));
    }

    [Fact]
    public async Task At_its_limit_of_open_files_health_metrics_and_the_clients_that_are_there_go_on()
    {
        await using var server = await ServerProcess.StartAsync(new Launch(["prlimit", "--nofile=1024"], Repository.ServerDll));
        using var stream = await EventStreamAsync(server);
        await server.PublishAsync("full/a", "opens a second connection, which stays");
        var idle = new List<TcpClient>();
        try
        {
            for (var i = 0; i < 1500; i++)
            {
                var client = new TcpClient();
                idle.Add(client);
                await client.ConnectAsync(IPAddress.Loopback, server.Url.Port, Cancel);
            }

            await Eventually.TrueAsync(() => server.Output.Any(line => line.Contains("as many as it takes", StringComparison.Ordinal)), "the log says so");

            foreach (var path in new[] { "health/live", "health/ready", "metrics" })
                Assert.Equal(HttpStatusCode.OK, (await OnNewConnectionAsync(server, HttpMethod.Get, path)).StatusCode);
            var refused = await OnNewConnectionAsync(server, HttpMethod.Post, "api/v1/topics/full");
            Assert.Equal((HttpStatusCode.ServiceUnavailable, true), (refused.StatusCode, refused.Headers.ConnectionClose));
            Assert.NotNull(refused.Headers.RetryAfter);

            await server.PublishAsync("full/a", "on the connection that is there"); // Http keeps it open
            await stream.Events.FirstAsync(e => e.Data.Contains("on the connection that is there", StringComparison.Ordinal));
            Assert.Single(server.Output, line => line.Contains("LimitNOFILE=", StringComparison.Ordinal));
        }
        finally
        {
            foreach (var client in idle) client.Dispose();
        }

        await Eventually.TrueAsync(async () =>
            (await OnNewConnectionAsync(server, HttpMethod.Post, "api/v1/topics/full")).StatusCode == HttpStatusCode.Created, "there is room again");
    }

    [Fact]
    public async Task What_asks_nothing_makes_room_and_what_asks_does_not()
    {
        using var cap = Settled(1, null, 0);
        var first = new Pretended();
        cap.Take(first);
        var beyond = Enumerable.Range(0, ConnectionCap.Surplus).Select(_ => new Pretended()).ToArray();
        var taken = beyond.Select(cap.Take).Cast<CappedConnection>().ToArray();
        Assert.True(cap.IsBeyond(taken[0])); // asks something

        var room = cap.WaitForRoomAsync(Cancel).AsTask();
        await Eventually.TrueAsync(() => beyond[1].Aborted, "the oldest that asked nothing is closed");
        Assert.False(room.IsCompleted); // until its file is
        Assert.False(beyond[0].Aborted || first.Aborted || beyond[2].Aborted);
        await taken[1].DisposeAsync();
        await room;
    }

    [Fact]
    public async Task A_connection_beyond_the_cap_is_an_ordinary_one_when_others_have_gone()
    {
        using var cap = Settled(1, null, 0);
        var first = cap.Take(new Pretended());
        var second = (CappedConnection)cap.Take(new Pretended());
        await first.DisposeAsync();
        Assert.False(cap.IsBeyond(second));
        Assert.True(cap.IsBeyond((CappedConnection)cap.Take(new Pretended())));
    }

    private static ConnectionCap Settled(int setting, long? limit, int open)
    {
        var cap = new ConnectionCap(Options.Create(new NotifyOptions { Limits = { Connections = setting } }), TimeProvider.System,
            NullLogger<ConnectionCap>.Instance);
        cap.Settle(limit, open);
        return cap;
    }

    private static async Task<HttpResponseMessage> OnNewConnectionAsync(ServerProcess server, HttpMethod method, string path)
    {
        using var http = new HttpClient { BaseAddress = server.Url };
        using var request = new HttpRequestMessage(method, path);
        if (method == HttpMethod.Post) request.Content = new StringContent("x");
        return await http.SendAsync(request, Cancel);
    }

    private static async Task<Streaming.EventStream> EventStreamAsync(ServerProcess server)
    {
        var stream = await Streaming.EventStream.OpenAsync(server.Http, "filter=full/%23");
        await stream.Events.FirstAsync(e => e.Name == "caught-up");
        return stream;
    }

    private sealed class Pretended : ConnectionContext
    {
        public bool Aborted { get; private set; }
        public override string ConnectionId { get; set; } = "";
        public override IFeatureCollection Features { get; } = new FeatureCollection();
        public override IDictionary<object, object?> Items { get; set; } = new Dictionary<object, object?>();
        public override System.IO.Pipelines.IDuplexPipe Transport { get; set; } = null!;
        public override void Abort(ConnectionAbortedException abortReason) => Aborted = true;
    }
}
