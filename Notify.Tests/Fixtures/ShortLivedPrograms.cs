using System.Runtime.CompilerServices;

namespace Notify.Tests.Fixtures;

/// <summary>
/// Settings of the runtime for the programs that tests start by the hundred: they live for seconds, so the compiler neither
/// instruments them nor compiles what is called often a second time. A start costs a tenth less.
/// </summary>
internal static class ShortLivedPrograms
{
    [ModuleInitializer]
    internal static void Apply()
    {
        Environment.SetEnvironmentVariable("DOTNET_TieredPGO", "0");
        Environment.SetEnvironmentVariable("DOTNET_TC_CallCountingDelayMs", "7D0"); // hexadecimal, ms: 2 s
    }
}
