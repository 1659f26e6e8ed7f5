namespace Notify.Client.Connection;

/// <summary>
/// The addresses of the service: the one that worked stays until it fails or the first one is well again, the next one comes on
/// failure. An address that failed five times in a row rests for a while, so that a dead one is not waited for on every turn.
/// </summary>
internal sealed class Addresses
{
    private const int FailuresThatRest = 5;

    private readonly Entry[] _all;
    private readonly TimeSpan _rest;
    private readonly TimeProvider _time;
    private int _at;

    public Addresses(IReadOnlyList<Uri> all, TimeSpan rest, TimeProvider time)
    {
        _all = [.. all.Select(uri => new Entry(uri))];
        (_rest, _time) = (rest, time);
    }

    public int Count => _all.Length;

    /// <summary>The one in use: of the last connection, or of the next.</summary>
    public Uri Current => _all[Volatile.Read(ref _at)].Uri;

    public bool IsFirst => _at == 0;

    public Uri First => _all[0].Uri;

    /// <summary>How long the current address is still to be left alone.</summary>
    public TimeSpan Resting => Later(_all[_at].RestsUntil - _time.GetUtcNow(), TimeSpan.Zero);

    public void Worked() => _all[_at].Failures = 0;

    /// <summary>The next attempt is made at the first one.</summary>
    public void Return()
    {
        (_all[0].Failures, _all[0].RestsUntil) = (0, default);
        Volatile.Write(ref _at, 0);
    }

    /// <summary>Moves on to the next address that does not rest, or else to the one whose rest ends first.</summary>
    public void Failed()
    {
        var now = _time.GetUtcNow();
        var failed = _all[_at];
#pragma warning disable CA5394 // Jitter keeps no secret.
        if (++failed.Failures >= FailuresThatRest) failed.RestsUntil = now + TimeSpan.FromTicks((long)(_rest.Ticks * (0.5 + Random.Shared.NextDouble() / 2)));
#pragma warning restore CA5394
        var others = Enumerable.Range(1, _all.Length).Select(step => (_at + step) % _all.Length).ToArray();
        var awake = others.Where(i => _all[i].RestsUntil <= now).ToArray();
        Volatile.Write(ref _at, awake.Length > 0 ? awake[0] : others.OrderBy(i => _all[i].RestsUntil).First());
    }

    private static TimeSpan Later(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private sealed class Entry(Uri uri)
    {
        public Uri Uri { get; } = uri;

        public int Failures { get; set; }

        public DateTimeOffset RestsUntil { get; set; }
    }
}
