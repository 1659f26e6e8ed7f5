using System.Text.Json;

namespace Notify.Engine.Directory.Rules;

/// <summary>The right side of a comparison: a string, a number, <c>true</c>, <c>false</c> or <c>null</c>.</summary>
/// <param name="Value">As JSON; numbers fit a decimal (<see cref="AttributeNumbers"/>).</param>
internal sealed record Literal(JsonElement Value)
{
    /// <summary>
    /// As <c>compareItems</c>: values of different types are unknown, but of the comparisons with <c>null</c> only <c>!=</c> is true
    /// for any other value; objects and arrays are unknown; <c>false &lt; true</c>; strings by code point.
    /// </summary>
    public bool? Compare(JsonElement value, ComparisonOperator comparison)
    {
        if (TypeOf(value) != TypeOf(Value))
            return value.ValueKind == JsonValueKind.Null || Value.ValueKind == JsonValueKind.Null ? comparison == ComparisonOperator.NotEqual : null;

        int order;
        switch (Value.ValueKind)
        {
            case JsonValueKind.Null:
                order = 0;
                break;
            case JsonValueKind.True or JsonValueKind.False:
                order = value.GetBoolean().CompareTo(Value.GetBoolean());
                break;
            case JsonValueKind.Number:
                if (!AttributeNumbers.TryRead(value, out var left) || !AttributeNumbers.TryRead(Value, out var right)) return null;
                order = left.CompareTo(right);
                break;
            case JsonValueKind.String:
                order = CompareCodePoints(value.GetString()!, Value.GetString()!);
                break;
            default:
                return null;
        }

        return comparison switch
        {
            ComparisonOperator.Equal => order == 0,
            ComparisonOperator.NotEqual => order != 0,
            ComparisonOperator.Less => order < 0,
            ComparisonOperator.LessOrEqual => order <= 0,
            ComparisonOperator.Greater => order > 0,
            _ => order >= 0,
        };
    }

    public bool Equals(Literal? other) => other is not null && JsonElement.DeepEquals(Value, other.Value);

    public override int GetHashCode() => Value.GetRawText().GetHashCode(StringComparison.Ordinal);

    private static JsonValueKind TypeOf(JsonElement value) => value.ValueKind == JsonValueKind.False ? JsonValueKind.True : value.ValueKind;

    /// <summary>UTF-16 puts surrogate pairs below U+E000; their code points are above it.</summary>
    private static int CompareCodePoints(string left, string right)
    {
        var length = Math.Min(left.Length, right.Length);
        for (var i = 0; i < length; i++)
        {
            if (left[i] == right[i]) continue;
            return char.IsSurrogate(left[i]) == char.IsSurrogate(right[i]) ? left[i].CompareTo(right[i]) : char.IsSurrogate(left[i]) ? 1 : -1;
        }

        return left.Length.CompareTo(right.Length);
    }
}
