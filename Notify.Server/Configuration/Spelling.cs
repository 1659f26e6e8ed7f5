namespace Notify.Server.Configuration;

/// <summary>Finds the word that was meant.</summary>
internal static class Spelling
{
    /// <summary>Whether one may be a slip of the other: at most a third of it differs.</summary>
    public static bool IsNear(string known, string given) => Distance(known, given) <= Math.Max(2, known.Length / 3);

    /// <summary>Levenshtein's distance, without regard to case.</summary>
    public static int Distance(string a, string b)
    {
        var previous = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var current = new int[b.Length + 1];
            current[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var replaced = previous[j - 1] + (char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0 : 1);
                current[j] = Math.Min(replaced, Math.Min(previous[j], current[j - 1]) + 1);
            }

            previous = current;
        }

        return previous[b.Length];
    }
}
