using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Options;
using Notify.Contracts;
using Notify.Contracts.Topics;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Configuration;

namespace Notify.Server.Security;

/// <summary>
/// Says who calls. In Development the query names the caller (<c>?user=alice&amp;device=phone</c>); elsewhere, where
/// <c>AllowAnonymous</c> is the only way to run yet, nobody has a name, and claiming one is refused, not overheard.
/// </summary>
internal sealed class Callers(IOptions<NotifyOptions> options)
{
    internal const string UserParameter = "user";
    internal const string DeviceParameter = "device";

    private const string AnonymousPublisher = "anonymous";

    private static readonly Caller Nobody = new(null, null, AnonymousPublisher);

    private readonly bool _development = options.Value.Auth.IsOpenDevelopment;

    public bool TryIdentify(HttpContext context, [NotNullWhen(true)] out Caller? caller, [NotNullWhen(false)] out Refusal? refusal)
    {
        (caller, refusal) = (Nobody, null);
        if (!context.Request.QueryString.HasValue) return true;

        string? user = null, device = null;
        refusal = Read(context, UserParameter, out user) ?? Read(context, DeviceParameter, out device);
        if (refusal is null && user is not null && !_development) refusal = new Refusal(ErrorCodes.InvalidRequest, "'user' in the query names the caller in Development only.");
        if (refusal is null && (user ?? device) is not null) caller = new Caller(user, device, user is null ? AnonymousPublisher : $"dev:{user}");
        if (refusal is not null) caller = null;
        return refusal is null;
    }

    /// <summary>Whether the caller may read what was published to this topic.</summary>
    public bool MaySee(Caller caller, string topic) =>
        !TopicName.IsReserved(topic)
        || (caller.User is { } user ? topic == TopicName.OfUser(user) : _development);

    private static Refusal? Read(HttpContext context, string parameter, out string? value)
    {
        value = null;
        if (!context.Request.Query.TryGetValue(parameter, out var given)) return null;
        value = given[0];
        if (given.Count > 1) return new Refusal(ErrorCodes.InvalidRequest, $"'{parameter}' is in the query twice.");
        return TopicName.IsValidId(value, parameter, out var problem) ? null : new Refusal(ErrorCodes.InvalidRequest, problem);
    }
}
