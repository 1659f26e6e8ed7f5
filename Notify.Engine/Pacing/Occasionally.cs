namespace Notify.Engine.Pacing;

/// <summary>Lets through one in an interval, so that what fails a thousand times a second is told once.</summary>
internal sealed class Occasionally(TimeProvider time, TimeSpan interval)
{
    private long _next = long.MinValue;
    private long _passedOver;

    /// <param name="passedOver">How many were not let through since the last one.</param>
    public bool Now(out long passedOver)
    {
        var (now, next) = (time.GetTimestamp(), Volatile.Read(ref _next));
        passedOver = 0;
        if (now < next || Interlocked.CompareExchange(ref _next, now + (long)(interval.TotalSeconds * time.TimestampFrequency), next) != next)
        {
            Interlocked.Increment(ref _passedOver);
            return false;
        }

        passedOver = Interlocked.Exchange(ref _passedOver, 0);
        return true;
    }
}
