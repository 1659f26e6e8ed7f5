using System.Security.Cryptography;
using Mono.Cecil;
using Mono.Cecil.Cil;
using Notify.Server.Authentication.Keys;

namespace Notify.Tests.Authentication;

/// <summary>
/// How far a guessed key agrees with a real one must not show in the time of the answer. By construction: where the code has the hash of
/// what was shown and the hash that is stored, it compares them in constant time, and in no other way.
/// </summary>
public sealed class KeyComparisonTests
{
    private static readonly string[] Comparisons =
        ["SequenceEqual", "Equals", "op_Equality", "op_Inequality", "SequenceCompareTo", "StartsWith", "CommonPrefixLength"];

    [Fact]
    public void Hashes_of_keys_are_compared_in_constant_time_and_in_no_other_way()
    {
        using var server = AssemblyDefinition.ReadAssembly(Path.Combine(AppContext.BaseDirectory, "Notify.Server.dll"));
        var comparing = server.MainModule.GetTypes().SelectMany(type => type.Methods).Where(method => method.HasBody)
            .Select(method => (Method: method, Calls: Calls(method)))
            .Where(method => method.Calls.Any(call => call is { Name: "get_Hash", DeclaringType.Name: nameof(KeyText) })
                && method.Calls.Any(call => call is { Name: "get_Hash", DeclaringType.Name: "NewApiKey" }))
            .ToList();
        Assert.NotEmpty(comparing);
        Assert.All(comparing, method =>
        {
            Assert.Contains(method.Calls, call =>
                call is { Name: nameof(CryptographicOperations.FixedTimeEquals), DeclaringType.Name: nameof(CryptographicOperations) });
            Assert.DoesNotContain(method.Calls, call => Comparisons.Contains(call.Name));
        });
    }

    private static MethodReference[] Calls(MethodDefinition method) =>
        [.. method.Body.Instructions.Where(instruction => instruction.OpCode.Code is Code.Call or Code.Callvirt)
            .Select(instruction => (MethodReference)instruction.Operand)];
}
