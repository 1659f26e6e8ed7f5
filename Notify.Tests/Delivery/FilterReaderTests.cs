using Microsoft.Extensions.Options;
using Notify.Contracts;
using Notify.Engine.Configuration;
using Notify.Engine.Delivery.Routing;

namespace Notify.Tests.Delivery;

public class FilterReaderTests
{
    private readonly FilterReader _reader = new(Options.Create(new NotifyOptions { Limits = new() { FiltersPerConnection = 3 } }));

    [Fact]
    public void Each_filter_is_read_once_in_the_callers_order()
    {
        Assert.Null(_reader.Read(["b/#", "a", "b/#"], out var filters));
        Assert.Equal(["b/#", "a"], filters.Select(filter => filter.Text));
        Assert.Null(_reader.Read(null, out filters));
        Assert.Empty(filters);
    }

    [Fact]
    public void As_many_as_the_limit_are_read_and_one_more_is_refused_with_the_setting()
    {
        Assert.Null(_reader.Read(["a", "b", "c"], out _));
        var refusal = _reader.Read(["a", "b", "c", "c"], out var filters)!;
        Assert.Equal(ErrorCodes.InvalidRequest, refusal.Code);
        Assert.Contains("At most 3 filters", refusal.Detail, StringComparison.Ordinal);
        Assert.Contains("Notify:Limits:FiltersPerConnection", refusal.Detail, StringComparison.Ordinal);
        Assert.Empty(filters);
    }

    [Fact]
    public void One_bad_filter_refuses_all_and_the_refusal_says_why()
    {
        var refusal = _reader.Read(["a", "b/#/c"], out _)!;
        Assert.Equal(ErrorCodes.InvalidFilter, refusal.Code);
        Assert.NotEmpty(refusal.Detail!);
    }
}
