using Microsoft.AspNetCore.Connections.Features;

namespace Notify.Server.Authentication;

/// <summary>
/// The credential that the last request of a connection showed, and what it was found to be. Publishers show the same one with each
/// of their requests, and Kestrel keeps a header's text while it stays the same, so that it is neither hashed nor compared again. The
/// verifier that kept something here decides whether it still holds.
/// </summary>
/// <remarks>
/// Of HTTP/1 only: requests of an HTTP/2 connection run beside each other. The same text is the same object: a comparison would take
/// the longer, the more of a guess were right, and a proxy's connection is many clients'.
/// </remarks>
internal sealed class LastShown
{
    private static readonly object ItemKey = new();

    private ReadOnlyMemory<char> _text;
    private object? _found;

    /// <summary>The connection's; null where there is none.</summary>
    public static LastShown? Of(HttpContext context)
    {
        if (!HttpProtocol.IsHttp11(context.Request.Protocol)) return null;
        if (context.Features.Get<IConnectionItemsFeature>()?.Items is not { } items) return null;
        if (items.TryGetValue(ItemKey, out var last)) return (LastShown?)last;
        var first = new LastShown();
        items[ItemKey] = first;
        return first;
    }

    public T? Find<T>(ReadOnlyMemory<char> text)
        where T : class => _text.Equals(text) ? _found as T : null;

    public void Keep(ReadOnlyMemory<char> text, object found) => (_text, _found) = (text, found);
}
