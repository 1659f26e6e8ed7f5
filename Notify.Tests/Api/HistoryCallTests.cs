using Notify.Contracts;

namespace Notify.Tests.Api;

public class HistoryCallTests
{
    private const string Notifications = "/api/v1/notifications";

    [Fact]
    public async Task Newest_first_pages_go_on_below_next_until_there_is_none()
    {
        await using var host = await ApiHost.StartAsync();
        await host.PostAsync(Notifications + "/batch", """{"notifications":[{"topic":"a","title":"1"},{"topic":"b","title":"2"},{"user":"u","title":"3"},{"topic":"a/x","title":"4"}]}""");

        var first = await host.GetAsync(Notifications + "?order=desc&limit=2");
        Assert.Equal([4L, 2], Versions(first));
        Assert.Equal((2L, 4L, $"{host.Log.Epoch}"),
            (first.Json.GetProperty("next").GetInt64(), first.Json.GetProperty("head").GetInt64(), first.Json.GetProperty("epoch").GetString()));

        var last = await host.GetAsync(Notifications + "?order=desc&limit=2&before=2");
        Assert.Equal([1L], Versions(last));
        Assert.False(last.Json.TryGetProperty("next", out _));
        Assert.Equal([4L, 1], Versions(await host.GetAsync(Notifications + "?order=desc&before=9007199254740991&filter=a/%23")));
        Assert.Equal([1L, 2, 4], Versions(await host.GetAsync(Notifications + "?order=asc")));
    }

    [Theory]
    [InlineData("order=desc&since=1", "'since'")]
    [InlineData("before=1", "'before'")]
    [InlineData("order=asc&before=1", "'before'")]
    [InlineData("order=DESC", "'order'")]
    [InlineData("order=desc&order=desc", "'order'")]
    [InlineData("order=desc&before=0", "'before'")]
    [InlineData("order=desc&before=-1", "'before'")]
    [InlineData("order=desc&before=9007199254740992", "'before'")]
    [InlineData("order=desc&before=1&before=2", "'before'")]
    public async Task What_does_not_go_together_is_refused(string query, string names)
    {
        await using var host = await ApiHost.StartAsync();
        var answer = await host.GetAsync($"{Notifications}?{query}");
        answer.IsProblem(400, ErrorCodes.InvalidRequest);
        Assert.StartsWith(names, answer.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    private static IEnumerable<long> Versions(ApiHost.Answer page) =>
        page.Json.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("version").GetInt64());
}
