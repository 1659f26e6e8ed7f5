using System.Globalization;
using System.Text.Json;

namespace Notify.Engine.Directory.Rules;

/// <summary>
/// Numbers in rules and attributes: those that fit a decimal of 28 digits exactly, so that both databases and this program
/// compare the same value.
/// </summary>
internal static class AttributeNumbers
{
    /// <summary>Significant digits, and digits after the point, that a decimal holds whatever they are.</summary>
    public const int Digits = 28;

    public static bool TryRead(JsonElement number, out decimal value) => TryRead(number.GetRawText(), out value);

    /// <param name="text">A JSON number (RFC 8259 §6).</param>
    /// <param name="value">The number.</param>
    public static bool TryRead(string text, out decimal value)
    {
        value = 0;
        if (!Fits(text)) return false;
        return decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value);
    }

    /// <summary>Decimal.Parse rounds what it cannot hold without a word, so the digits are counted first.</summary>
    private static bool Fits(string text)
    {
        var mantissa = text.AsSpan().TrimStart('-');
        var exponent = 0L;
        var e = mantissa.IndexOfAny('e', 'E');
        if (e >= 0)
        {
            if (!long.TryParse(mantissa[(e + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent)) return IsZero(mantissa[..e]);
            mantissa = mantissa[..e];
        }

        if (IsZero(mantissa)) return Math.Abs(exponent) <= int.MaxValue;
        var point = mantissa.IndexOf('.');
        var whole = point < 0 ? mantissa : mantissa[..point];
        var fraction = point < 0 ? default : mantissa[(point + 1)..];

        // The value is digits × 10^scale, with neither leading nor trailing zeros among the digits.
        var digits = string.Concat(whole, fraction).AsSpan().TrimStart('0');
        var scale = exponent - fraction.Length;
        var trimmed = digits.TrimEnd('0');
        scale += digits.Length - trimmed.Length;
        return trimmed.Length <= Digits && scale >= -Digits && trimmed.Length + scale <= Digits;
    }

    private static bool IsZero(ReadOnlySpan<char> mantissa) => !mantissa.ContainsAnyExcept('0', '.');
}
