using System.Reflection;
using Notify.Storage.Directory;
using Notify.Storage.Log;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Delivery;

/// <summary>A directory that a test holds between a read and its use.</summary>
public class SteeredDirectory : DispatchProxy
{
    private IDirectory _inner = null!;

    /// <summary>Runs when people were read, before anybody has the reading.</summary>
    public Func<Task> AfterPeople { get; set; } = () => Task.CompletedTask;

    /// <summary>Runs before it is read when users are members of a group.</summary>
    public Func<Task> BeforeHeld { get; set; } = () => Task.CompletedTask;

    public static SteeredDirectory Around(IDirectory inner)
    {
        var steered = (SteeredDirectory)(object)Create<IDirectory, SteeredDirectory>();
        steered._inner = inner;
        return steered;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => targetMethod!.Name switch
    {
        nameof(IDirectory.ReadPeopleAsync) => PeopleAsync((Task<PeopleReading>)targetMethod.Invoke(_inner, args)!),
        nameof(IDirectory.ReadHeldAsync) => HeldAsync(targetMethod, args),
        _ => targetMethod.Invoke(_inner, args),
    };

    private async Task<PeopleReading> PeopleAsync(Task<PeopleReading> reading)
    {
        var read = await reading;
        await AfterPeople();
        return read;
    }

    private async Task<(LogHead Head, IReadOnlyList<HeldBy> Held)> HeldAsync(MethodInfo method, object?[]? arguments)
    {
        await BeforeHeld().WaitAsync((CancellationToken)arguments![^1]!);
        return await (Task<(LogHead Head, IReadOnlyList<HeldBy> Held)>)method.Invoke(_inner, arguments)!;
    }
}

/// <summary>A point at which the first call waits until it is let on; later calls pass.</summary>
internal sealed class Hold
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _came;

    /// <summary>Completes when somebody waits there.</summary>
    public Task Reached => _reached.Task.WaitAsync(Eventually.Patience, TestContext.Current.CancellationToken);

    public void Release() => _open.TrySetResult();

    public Task PassAsync()
    {
        if (Interlocked.Increment(ref _came) > 1) return Task.CompletedTask;
        _reached.TrySetResult();
        return _open.Task;
    }
}
