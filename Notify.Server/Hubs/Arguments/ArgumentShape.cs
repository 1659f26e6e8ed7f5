using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.Serialization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Notify.Contracts.Wire;
using Notify.Engine.Publishing;

namespace Notify.Server.Hubs.Arguments;

/// <summary>The members of the record that a hub call takes, as they are on the wire.</summary>
internal sealed class ArgumentShape
{
    private readonly ConstructorInfo? _constructor;
    private readonly Func<object>? _create;

    /// <param name="type">A record of the contract.</param>
    public ArgumentShape(Type type)
    {
        var wire = NotifyJson.StrictOptions.GetTypeInfo(type);
        Members = wire.Kind == JsonTypeInfoKind.Object ? [.. wire.Properties.Select((property, index) => new ArgumentMember(property, index))] : [];
        _create = wire.CreateObject;
        if (_create is null && Members.Length > 0) _constructor = type.GetConstructors().MaxBy(constructor => constructor.GetParameters().Length);
    }

    public ArgumentMember[] Members { get; }

    /// <summary>False for an argument that is a plain value: it has no members to name.</summary>
    public bool IsRecord => _create is not null || _constructor is not null;

    public bool TryFind(string name, [NotNullWhen(true)] out ArgumentMember? member)
    {
        member = null;
        foreach (var known in Members)
        {
            if (known.Name == name) member = known;
        }

        return member is not null;
    }

    /// <summary>The record with these values, one for each member in order; null where the client gave none.</summary>
    public object Create(object?[] values)
    {
        foreach (var member in Members)
        {
            if (member.IsRequired && values[member.Index] is null) throw UnboundArgumentException.Missing(member);
        }

        var record = _constructor is null ? _create!() : _constructor.Invoke([.. _constructor.GetParameters().Select(ValueOf)]);
        foreach (var member in Members)
        {
            if (values[member.Index] is { } value && member.Set is { } set) set(record, value);
        }

        return record;

        object? ValueOf(ParameterInfo parameter)
        {
            var member = Members.Single(member => member.Parameter?.Position == parameter.Position);
            return values[member.Index] ?? (parameter.HasDefaultValue ? parameter.DefaultValue : null);
        }
    }
}

/// <summary>One member of the record.</summary>
internal sealed class ArgumentMember(JsonPropertyInfo property, int index)
{
    /// <summary>As on the wire.</summary>
    public string Name { get; } = property.Name;

    public int Index { get; } = index;

    public Type Type { get; } = property.PropertyType;

    public JsonParameterInfo? Parameter { get; } = property.AssociatedParameter;

    /// <summary>Null for one that only the constructor takes.</summary>
    public Action<object, object?>? Set { get; } = property.AssociatedParameter is null ? property.Set : null;

    /// <summary>Whether a call without it is refused: a <c>required</c> member, one that the contract marks so, or a constructor's.</summary>
    public bool IsRequired { get; } =
        property.IsRequired
        || property.AssociatedParameter is { HasDefaultValue: false, IsNullable: false }
        || property.AttributeProvider?.GetCustomAttributes(typeof(DataMemberAttribute), inherit: false) is [DataMemberAttribute { IsRequired: true }];

    /// <summary>What it is on the wire, for a message.</summary>
    public string Kind { get; } = ArgumentKinds.Of(property.PropertyType);
}

/// <summary>What values are called on the wire.</summary>
internal static class ArgumentKinds
{
    public static string Of(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string)) return "a string";
        if (type == typeof(bool)) return "true or false";
        if (type == typeof(DateTimeOffset)) return "a time in RFC 3339, as a string";
        if (type == typeof(Guid)) return "an id, as a string";
        if (IsInteger(type)) return "a whole number";
        if (type == typeof(double) || type == typeof(float) || type == typeof(decimal)) return "a number";
        if (type == typeof(JsonElement)) return $"a JSON value of at most {StrictJson.MaxDepth} levels";
        return Element(type) is { } element ? $"an array of {Several(element)}" : "an object";
    }

    private static bool IsInteger(Type type) =>
        type == typeof(long) || type == typeof(int) || type == typeof(short) || type == typeof(ulong) || type == typeof(uint) || type == typeof(byte);

    private static Type? Element(Type type) => type.GetElementType() ?? (
        from part in type.GetInterfaces().Append(type)
        where part.IsGenericType && part.GetGenericTypeDefinition() == typeof(IEnumerable<>)
        select part.GetGenericArguments()[0]).FirstOrDefault();

    private static string Several(Type element) =>
        element == typeof(string) ? "strings" : IsInteger(element) ? "whole numbers" : "objects";
}
