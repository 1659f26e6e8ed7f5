namespace Notify.Storage.Sqlite;

/// <summary>Where the file is, and what a relative path was relative to.</summary>
internal sealed record SqlitePath(string Given, string Full)
{
    private const char Nul = '\0';

    /// <summary>Null when it names no file.</summary>
    public static SqlitePath? Of(string given) =>
        string.IsNullOrWhiteSpace(given) || given.Contains(":memory:", StringComparison.Ordinal) || given.Contains(Nul, StringComparison.Ordinal)
            ? null
            : new SqlitePath(given, Path.GetFullPath(given));

    /// <summary>For an operator.</summary>
    public override string ToString() => Path.IsPathFullyQualified(Given) ? Full : $"{Full} ('{Given}' in the working directory)";
}
