namespace Notify.Tests;

public class Placeholder
{
    [Fact]
    public void Builds() => Assert.True(Contracts.Priorities.IsKnown("low"));
}
