using Notify.Engine;
using Notify.Engine.Publishing;
using Notify.Server.Configuration;

namespace Notify.Server.Hubs.Arguments;

/// <summary>
/// An argument that is not what its call takes. An exception and no result, because it passes through the serializers and
/// SignalR's protocols; <see cref="NamedArgumentsProtocol"/> makes the call's refusal of it.
/// </summary>
internal sealed class UnboundArgumentException : Exception
{
    private const int LongestNameShown = 64;

    private readonly Func<string, string> _detail;

    private UnboundArgumentException(Func<string, string> detail)
        : base(detail("The call")) => _detail = detail;

    /// <summary>What the caller is told of this call.</summary>
    public Refusal RefusalOf(string method) => Refusal.Invalid(_detail(method));

    public static UnboundArgumentException Unknown(ArgumentShape shape, string name)
    {
        var meant = shape.Members.Select(member => member.Name).Where(known => Spelling.IsNear(known, Shown(name)))
            .MinBy(known => Spelling.Distance(known, Shown(name)));
        return new(method => $"{method} has no '{Shown(name)}'. {(meant is null ? $"It takes: {Names(shape)}." : $"Did you mean '{meant}'?")}");
    }

    public static UnboundArgumentException Twice(ArgumentMember member) => new(method => $"'{member.Name}' of {method} is there twice.");

    /// <param name="member">Whose value is a JSON object.</param>
    /// <param name="name">A name that is in it twice.</param>
    public static UnboundArgumentException TwiceWithin(ArgumentMember member, string name) =>
        new(method => $"The member '{Shown(name)}' of '{member.Name}' of {method} is there twice.");

    public static UnboundArgumentException Missing(ArgumentMember member) => new(method => $"{method} needs '{member.Name}': {member.Kind}.");

    public static UnboundArgumentException OfAnotherKind(ArgumentMember member) => new(method => $"'{member.Name}' of {method} is {member.Kind}.");

    public static UnboundArgumentException NotText(ArgumentMember member) => new(method => $"'{member.Name}' of {method} has text that is not valid Unicode.");

    public static UnboundArgumentException NoObject(ArgumentShape shape) => new(method => $"{method} takes one argument, an object with: {Names(shape)}.");

    /// <summary>For a call whose argument is a plain value.</summary>
    public static UnboundArgumentException NotA(string kind) => new(method => $"{method} takes one argument, {kind}.");

    /// <summary>For everything else that a protocol cannot bind: too few or too many arguments, mostly.</summary>
    public static UnboundArgumentException NotThese(IReadOnlyList<ArgumentShape> shapes) => shapes switch
    {
        [] => new(method => $"{method} takes no argument."),
        [{ IsRecord: true } shape] => NoObject(shape),
        [_] => new(method => $"{method} takes one argument."),
        _ => new(method => $"{method} takes {shapes.Count} arguments."),
    };

    private static string Names(ArgumentShape shape) => string.Join(", ", shape.Members.Select(member => member.Name));

    private static string Shown(string name)
    {
        if (name.Length <= LongestNameShown) return name;
        var end = char.IsHighSurrogate(name[LongestNameShown - 1]) ? LongestNameShown - 1 : LongestNameShown;
        return name[..end] + "…";
    }
}
