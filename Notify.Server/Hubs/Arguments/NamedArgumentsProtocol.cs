using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Protocol;

namespace Notify.Server.Hubs.Arguments;

/// <summary>
/// A hub protocol whose callers are told what is wrong with an argument. SignalR answers a call that it cannot bind with a
/// text of its own, which names no member, unless the failure is a <see cref="HubException"/>: so this makes one of it.
/// </summary>
internal sealed partial class NamedArgumentsProtocol(IHubProtocol inner, ILogger logger) : IHubProtocol
{
    public string Name => inner.Name;

    public int Version => inner.Version;

    public TransferFormat TransferFormat => inner.TransferFormat;

    public bool IsVersionSupported(int version) => inner.IsVersionSupported(version);

    public ReadOnlyMemory<byte> GetMessageBytes(HubMessage message) => inner.GetMessageBytes(message);

    public void WriteMessage(HubMessage message, IBufferWriter<byte> output) => inner.WriteMessage(message, output);

    public bool TryParseMessage(ref ReadOnlySequence<byte> input, IInvocationBinder binder, [NotNullWhen(true)] out HubMessage? message)
    {
        var ours = new ArgumentBinder(binder);
        if (!inner.TryParseMessage(ref input, ours, out message)) return false;
        switch (message)
        {
            case HubMethodInvocationMessage call:
                Unwrap(call.Arguments);
                break;
            case InvocationBindingFailureMessage { BindingFailure.SourceException: not HubException } failure:
                message = Refused(failure, ours);
                break;
        }

        return true;
    }

    private static void Unwrap(object?[] arguments)
    {
        for (var i = 0; i < arguments.Length; i++)
        {
            if (arguments[i] is IHubArgument argument) arguments[i] = argument.Value;
        }
    }

    private InvocationBindingFailureMessage Refused(InvocationBindingFailureMessage failure, ArgumentBinder binder)
    {
        Log.NotBound(logger, failure.Target); // the name of a method that exists
        var unbound = Unbound(failure.BindingFailure.SourceException) ?? UnboundArgumentException.NotThese([.. binder.Asked.Select(ArgumentBinder.ShapeOf)]);
        var exception = HubErrors.Of(unbound.RefusalOf(failure.Target));
        return new InvocationBindingFailureMessage(failure.InvocationId, failure.Target, ExceptionDispatchInfo.Capture(exception));
    }

    private static UnboundArgumentException? Unbound(Exception? exception)
    {
        for (; exception is not null; exception = exception.InnerException)
        {
            if (exception is UnboundArgumentException unbound) return unbound;
        }

        return null;
    }

    /// <summary>Names to the protocol, instead of each parameter's type, the one that we read.</summary>
    private sealed class ArgumentBinder(IInvocationBinder inner) : IInvocationBinder
    {
        // A method's list of types is one object for good.
        private static readonly ConcurrentDictionary<IReadOnlyList<Type>, IReadOnlyList<Type>> Wrapped = new(ReferenceEqualityComparer.Instance);

        /// <summary>The types last asked for.</summary>
        public IReadOnlyList<Type> Asked { get; private set; } = [];

        public static ArgumentShape ShapeOf(Type wrapped) =>
            (ArgumentShape)wrapped.GetProperty(nameof(HubArgument<object>.Shape))!.GetValue(null)!;

        public IReadOnlyList<Type> GetParameterTypes(string methodName) =>
            Asked = Wrapped.GetOrAdd(inner.GetParameterTypes(methodName), types => [.. types.Select(type => typeof(HubArgument<>).MakeGenericType(type))]);

        public Type GetReturnType(string invocationId) => inner.GetReturnType(invocationId);

        public Type GetStreamItemType(string streamId) => inner.GetStreamItemType(streamId);

        public string? GetTarget(ReadOnlySpan<byte> utf8Bytes) => inner.GetTarget(utf8Bytes);
    }

    private static partial class Log
    {
        [LoggerMessage(7010, LogLevel.Debug, "A call of {Method} was refused: its arguments cannot be read. The client was told which member is wrong.")]
        public static partial void NotBound(ILogger logger, string method);
    }
}
