using System.Diagnostics.CodeAnalysis;
using Notify.Engine.Tail;

namespace Notify.Engine.Delivery.Sessions;

/// <summary>
/// The pages that sessions at the same place, with the same filters, catch up by: selected and encoded once. When
/// publishers outrun a thousand connections these all fall back at the same version, and a frame for each cost a third
/// of the CPU. Bounded by bytes, and short-lived because what is in them may expire.
/// </summary>
internal sealed class SharedPages(TimeProvider time, long maxBytes = SharedPages.DefaultBytes)
{
    private const long DefaultBytes = 8L * 1024 * 1024;

    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<Place, (CatchUpPage Page, long MadeAt)> _pages = [];
    private readonly Queue<Place> _byAge = new();
    private long _bytes;

    public bool TryGet(Place place, [NotNullWhen(true)] out CatchUpPage? page)
    {
        lock (_gate)
        {
            page = _pages.TryGetValue(place, out var kept) && time.GetElapsedTime(kept.MadeAt) < Lifetime ? kept.Page : null;
            return page is not null;
        }
    }

    public void Keep(Place place, CatchUpPage page)
    {
        lock (_gate)
        {
            if (_pages.Remove(place, out var old)) _bytes -= old.Page.EstimatedBytes;
            else _byAge.Enqueue(place);
            _pages[place] = (page, time.GetTimestamp());
            _bytes += page.EstimatedBytes;
            while (_bytes > maxBytes && _byAge.TryDequeue(out var oldest))
            {
                if (_pages.Remove(oldest, out var gone)) _bytes -= gone.Page.EstimatedBytes;
            }
        }
    }

    /// <param name="Log">Which epoch of the log.</param>
    /// <param name="Cursor">After which version.</param>
    /// <param name="Filters">For which filters, all of which began at or before the cursor.</param>
    internal readonly record struct Place(LogView Log, long Cursor, string Filters);
}
