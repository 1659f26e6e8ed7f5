using Notify.Storage.Log;
using Notify.Storage.Postgres;
using Npgsql;

namespace Notify.Tests.Storage;

/// <summary>What passes by itself, what took too long, and what somebody has to put right.</summary>
public class PostgresErrorsTests
{
    [Theory]
    [InlineData("57P03", StorageFailure.Transient)] // starting
    [InlineData("57P01", StorageFailure.Transient)] // an administrator's shutdown
    [InlineData("53100", StorageFailure.Transient)] // disk full
    [InlineData("25006", StorageFailure.Transient)] // read-only: a failover is under way
    [InlineData("26000", StorageFailure.Transient)] // a prepared statement that is gone
    [InlineData("40001", StorageFailure.Transient)]
    [InlineData("57014", StorageFailure.Timeout)]
    [InlineData("55P03", StorageFailure.Timeout)]
    [InlineData("42501", StorageFailure.Permanent)] // no right
    [InlineData("42P01", StorageFailure.Permanent)] // no table
    [InlineData("28P01", StorageFailure.Permanent)] // wrong password
    [InlineData("3D000", StorageFailure.Permanent)] // no database
    [InlineData("XX001", StorageFailure.Permanent)] // damaged
    public void The_servers_own_code_says_which(string sqlState, StorageFailure expected) =>
        Assert.Equal(expected, PostgresErrors.Unavailable(new PostgresException("x", "ERROR", "ERROR", sqlState)).Kind);

    [Fact]
    public void A_silent_server_is_a_timeout_and_a_broken_connection_passes()
    {
        Assert.Equal(StorageFailure.Timeout, PostgresErrors.Unavailable(new NpgsqlException("x", new TimeoutException())).Kind);
        Assert.Equal(StorageFailure.Transient, PostgresErrors.Unavailable(new NpgsqlException("x", new IOException())).Kind);
    }
}
