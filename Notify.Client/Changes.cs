using System.Threading.Channels;

namespace Notify.Client;

/// <summary>
/// A value that changes: read it now, subscribe to it, or loop over it. A subscriber and a loop begin with the value as it is,
/// if there is one, and then get every change, in order.
/// </summary>
/// <typeparam name="T">What changes.</typeparam>
public sealed class Changes<T> : IObservable<T>, IAsyncEnumerable<T>
    where T : class
{
    private readonly object _gate = new();
    private readonly List<IObserver<T>> _observers = [];
    private bool _ended;

    internal Changes(T? first = null) => Current = first;

    /// <summary>The value as it is; null before the first.</summary>
    public T? Current { get; private set; }

    internal bool IsObserved
    {
        get
        {
            lock (_gate) return _observers.Count > 0;
        }
    }

    /// <summary>Calls the observer with the value as it is and with every change. It is called by the connection: do not block in it.</summary>
    public IDisposable Subscribe(IObserver<T> observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        lock (_gate)
        {
            if (!_ended) _observers.Add(observer);
            if (Current is { } current) observer.OnNext(current);
            if (_ended) observer.OnCompleted();
        }

        return new Subscription(this, observer);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        var waiting = new ToChannel();
        using var subscription = Subscribe(waiting);
        while (await waiting.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
            while (waiting.Reader.TryRead(out var value))
                yield return value;
    }

    /// <summary>Under the lock, so that all have the same order; <paramref name="accept"/> sees the value as it is.</summary>
    internal void Set(T value, Func<T?, bool>? accept = null)
    {
        lock (_gate)
        {
            if (_ended || accept?.Invoke(Current) == false) return;
            Current = value;
            foreach (var observer in _observers.ToArray()) observer.OnNext(value);
        }
    }

    internal void Forget()
    {
        lock (_gate) Current = null;
    }

    internal void End()
    {
        lock (_gate)
        {
            if (_ended) return;
            _ended = true;
            foreach (var observer in _observers.ToArray()) observer.OnCompleted();
            _observers.Clear();
        }
    }

    private sealed class Subscription(Changes<T> changes, IObserver<T> observer) : IDisposable
    {
        public void Dispose()
        {
            lock (changes._gate) changes._observers.Remove(observer);
        }
    }

    private sealed class ToChannel : IObserver<T>
    {
        private readonly Channel<T> _channel = Channel.CreateUnbounded<T>(new UnboundedChannelOptions { SingleReader = true });

        public ChannelReader<T> Reader => _channel.Reader;

        public void OnNext(T value) => _channel.Writer.TryWrite(value);

        public void OnCompleted() => _channel.Writer.TryComplete();

        public void OnError(Exception error) => _channel.Writer.TryComplete(error);
    }
}
