using System.Reflection;

namespace Notify.Server.Hubs.Signals;

/// <summary>An object whose interface is too wide to write out, with some of its calls answered by another.</summary>
/// <remarks>Not sealed: <see cref="DispatchProxy"/> derives from it.</remarks>
internal class Intercepted<T> : DispatchProxy
    where T : class
{
    private T _inner = null!;
    private Func<MethodInfo, object?[], object?> _instead = null!;

    /// <param name="inner">Gets every call that <paramref name="instead"/> answers with null.</param>
    public static T Create(T inner, Func<MethodInfo, object?[], object?> instead)
    {
        var created = Create<T, Intercepted<T>>();
        var self = (Intercepted<T>)(object)created;
        (self._inner, self._instead) = (inner, instead);
        return created;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) =>
        _instead(targetMethod!, args ?? []) ?? targetMethod!.Invoke(_inner, BindingFlags.DoNotWrapExceptions, binder: null, args, culture: null);
}
