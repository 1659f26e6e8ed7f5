using System.Buffers;
using System.Runtime.Serialization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Protocol;
using Microsoft.Extensions.Logging.Abstractions;
using Notify.Server.Hubs;
using Notify.Server.Hubs.Arguments;

namespace Notify.Tests.Hubs;

/// <summary>Arguments of calls that are not there yet: whatever record a method takes, its members are known by themselves.</summary>
public class ArgumentShapeTests
{
    private static readonly NotifyProtocolResolver Protocols = new(NullLogger<NamedArgumentsProtocol>.Instance);

    [Theory]
    [InlineData("""{"version":5}""", null)]
    [InlineData("{}", "Call needs 'version': a whole number.")]
    [InlineData("""{"vresion":5}""", "Call has no 'vresion'. Did you mean 'version'?")]
    [InlineData("""{"version":"5"}""", "'version' of Call is a whole number.")]
    public void A_record_with_a_constructor(string argument, string? refusal) => Check<Positional>(argument, refusal, new Positional(5));

    [Theory]
    [InlineData("""{"groups":["a"],"more":{"a":[1]}}""", null)]
    [InlineData("""{"more":{}}""", "Call needs 'groups': an array of strings.")]
    [InlineData("""{"groups":["a"],"more":{"a":1,"a":2}}""", "The member 'a' of 'more' of Call is there twice.")]
    [InlineData("""{"groups":["a"],"numbers":["1"]}""", "'numbers' of Call is an array of whole numbers.")]
    public void A_record_with_required_members(string argument, string? refusal)
    {
        var call = Check<Required>(argument, refusal);
        if (call is not null) Assert.Equal(["a"], call.Groups);
    }

    [Theory]
    [InlineData("\"x\"", null)]
    [InlineData("5", "Call takes one argument, a string.")]
    public void A_plain_value(string argument, string? refusal) => Check(argument, refusal, "x");

    private static T? Check<T>(string argument, string? refusal, T? expected = null)
        where T : class
    {
        var json = new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes($$"""{"type":1,"invocationId":"1","target":"Call","arguments":[{{argument}}]}""" + "\u001e"));
        Assert.True(Protocols.GetProtocol("json", null)!.TryParseMessage(ref json, new Binder(typeof(T)), out var message));
        if (refusal is not null)
        {
            var failure = Assert.IsType<InvocationBindingFailureMessage>(message);
            Assert.Equal($"invalid_request: {refusal}", Assert.IsType<HubException>(failure.BindingFailure.SourceException).Message);
            return null;
        }

        var value = Assert.IsType<T>(Assert.Single(Assert.IsType<InvocationMessage>(message).Arguments));
        if (expected is not null) Assert.Equal(expected, value);
        return value;
    }

    [DataContract]
    internal sealed record Positional([property: DataMember(Name = "version")] long Version, [property: DataMember(Name = "device")] string? Device = null);

    [DataContract]
    internal sealed record Required
    {
        [DataMember(Name = "groups")] public required IReadOnlyList<string> Groups { get; init; }

        [DataMember(Name = "more")] public JsonElement? More { get; init; }

        [DataMember(Name = "numbers")] public IReadOnlyList<long>? Numbers { get; init; }
    }

    private sealed class Binder(Type type) : IInvocationBinder
    {
        private readonly Type[] _types = [type];

        public IReadOnlyList<Type> GetParameterTypes(string methodName) => _types;

        public Type GetReturnType(string invocationId) => throw new NotSupportedException();

        public Type GetStreamItemType(string streamId) => throw new NotSupportedException();
    }
}
