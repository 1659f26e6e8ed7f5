using System.Net.Sockets;
using Polly.CircuitBreaker;
using StackExchange.Redis;

namespace Notify.Engine.Cluster.Redis;

/// <summary>What an error of Redis means.</summary>
internal static class RedisErrors
{
    // A server that starts, fails over or runs a script answers with these, and with something else soon after.
    private static readonly string[] Passing = ["LOADING", "BUSY", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN", "READONLY", "MOVED", "ASK", "NOREPLICAS"];

    public static LinkFailure Kind(Exception exception) => exception switch
    {
        BrokenCircuitException => LinkFailure.Open,
        RedisTimeoutException or TimeoutException => LinkFailure.Timeout,
        RedisConnectionException { FailureType: ConnectionFailureType.AuthenticationFailure } => LinkFailure.Permanent,
        RedisServerException server when !Array.Exists(Passing, word => server.Message.StartsWith(word, StringComparison.Ordinal)) => LinkFailure.Permanent,
        RedisException or SocketException or IOException or ObjectDisposedException => LinkFailure.Transient,
        _ => LinkFailure.Permanent, // a bug, here or in a package: says nothing about Redis
    };
}
