using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Notify.Engine.Cluster;
using Notify.Engine.Cluster.Redis;
using Notify.Tests.Fixtures;
using Polly.CircuitBreaker;
using StackExchange.Redis;

namespace Notify.Tests.Cluster;

public sealed class RedisGuardTests : IDisposable
{
    private const string Failures = "notify.link.failures";

    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly FakeTimeProvider _time = new();
    private readonly Readings _counted;
    private readonly RedisGuard _guard;

    public RedisGuardTests()
    {
        var meters = _services.GetRequiredService<IMeterFactory>();
        _counted = new Readings(meters);
        _guard = new RedisGuard(new LinkMetrics(meters), _time, NullLogger<RedisGuard>.Instance);
    }

    [Fact]
    public async Task After_some_failures_Redis_is_left_alone_for_a_moment()
    {
        for (var i = 0; i < 4; i++) Assert.False(await _guard.TryAsync(() => throw new RedisTimeoutException("late", CommandStatus.Sent)));
        Assert.Equal(4, _counted[Failures, "timeout"]);

        var called = false;
        var open = await Assert.ThrowsAsync<BrokenCircuitException>(() => _guard.RunAsync(() => Task.FromResult(called = true), CancellationToken.None));
        Assert.EndsWith("It failed with: late", open.Message, StringComparison.Ordinal);
        Assert.Equal(LinkFailure.Open, RedisErrors.Kind(open));
        Assert.False(called);
        Assert.Equal(1, _counted[Failures, "open"]);

        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.True(await _guard.TryAsync(() => Task.FromResult(called = true)));
        Assert.True(called);
    }

    [Fact]
    public async Task What_only_people_can_change_and_bugs_do_not_open_the_circuit()
    {
        for (var i = 0; i < 10; i++) await _guard.TryAsync(() => throw new InvalidOperationException("a bug"));
        for (var i = 0; i < 10; i++) await _guard.TryAsync(() => throw new RedisServerException("NOPERM this user has no permissions"));
        Assert.True(await _guard.TryAsync(() => Task.CompletedTask));
        Assert.Equal(20, _counted[Failures, "permanent"]);
    }

    [Theory]
    [InlineData("LOADING Redis is loading the dataset in memory", "Transient")]
    [InlineData("READONLY You can't write against a read only replica.", "Transient")]
    [InlineData("NOAUTH Authentication required.", "Permanent")]
    [InlineData("ERR unknown command", "Permanent")]
    public void The_servers_answers_are_told_apart(string answer, string expected) =>
        Assert.Equal(expected, RedisErrors.Kind(new RedisServerException(answer)).ToString());

    [Fact]
    public void A_lost_connection_passes_and_a_wrong_password_does_not()
    {
        Assert.Equal(LinkFailure.Transient, RedisErrors.Kind(new RedisConnectionException(ConnectionFailureType.SocketFailure, "lost")));
        Assert.Equal(LinkFailure.Permanent, RedisErrors.Kind(new RedisConnectionException(ConnectionFailureType.AuthenticationFailure, "no")));
    }

    public void Dispose()
    {
        _counted.Dispose();
        _services.Dispose();
    }
}
