namespace Notify.Tests.Fixtures;

/// <summary>What came so far, and a way to wait for what comes: without polling and without missing what was there before.</summary>
internal sealed class Observed<T>
{
    private readonly Lock _gate = new();
    private readonly List<T> _items = [];
    private TaskCompletionSource _changed = New();
    private bool _complete;

    public IReadOnlyList<T> Items
    {
        get
        {
            lock (_gate) return [.. _items];
        }
    }

    public int Count
    {
        get
        {
            lock (_gate) return _items.Count;
        }
    }

    public void Add(T item)
    {
        lock (_gate) _items.Add(item);
        Changed();
    }

    /// <summary>Nothing more will come: what waits for it fails at once.</summary>
    public void Complete()
    {
        lock (_gate) _complete = true;
        Changed();
    }

    /// <summary>The first, past or future, for which <paramref name="wanted"/> holds.</summary>
    public async Task<T> FirstAsync(Func<T, bool> wanted, TimeSpan? limit = null)
    {
        var next = 0;
        T? found = default;
        await UntilAsync(
            items =>
            {
                for (; next < items.Count; next++)
                {
                    if (!wanted(items[next])) continue;
                    found = items[next];
                    return true;
                }

                return false;
            },
            limit);
        return found!;
    }

    /// <summary>All of them, once there are this many.</summary>
    public async Task<IReadOnlyList<T>> CountAsync(int count, TimeSpan? limit = null)
    {
        await UntilAsync(items => items.Count >= count, limit);
        return Items;
    }

    /// <summary>Waits until the condition, which is asked under the lock, holds.</summary>
    public async Task UntilAsync(Func<IReadOnlyList<T>, bool> condition, TimeSpan? limit = null)
    {
        using var deadline = new CancellationTokenSource(limit ?? Eventually.Patience);
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (condition(_items)) return;
                if (_complete) throw new InvalidOperationException($"It ended without what was waited for:{Tail()}");
                changed = _changed.Task;
            }

            try
            {
                await changed.WaitAsync(deadline.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"It did not come; {Count} came:{Tail()}");
            }
        }
    }

    /// <summary>The last ones, for a failure's message.</summary>
    public string Tail() => string.Concat(Items.TakeLast(40).Select(item => $"\n  {item}"));

    private void Changed()
    {
        TaskCompletionSource changed;
        lock (_gate) (changed, _changed) = (_changed, New());
        changed.SetResult();
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
