using System.Text.RegularExpressions;

namespace Notify.Storage;

/// <summary>
/// All migrations of a store, as the SQL that EF writes for them: what makes a new installation. EF itself is for those that have some of the
/// migrations already; to load it and to make its model costs a start a second and 30 MB.
/// </summary>
internal sealed partial class MigrationScript
{
    private static readonly Lazy<MigrationScript> OfPostgres = new(() => Read("Postgres"));
    private static readonly Lazy<MigrationScript> OfSqlite = new(() => Read("Sqlite"));

    private MigrationScript(string text) => Text = text;

    /// <summary>For the schema that the connection's <c>search_path</c> names.</summary>
    public static MigrationScript Postgres => OfPostgres.Value;

    public static MigrationScript Sqlite => OfSqlite.Value;

    /// <summary>Without transactions: its caller runs all of it in one.</summary>
    public string Text { get; }

    /// <summary>The tables that it makes, except for that of the migrations, which may be there already.</summary>
    public IReadOnlyList<string> Tables => [.. CreateTable().Matches(Text).Select(found => found.Groups["name"].Value)];

    private static MigrationScript Read(string store)
    {
        using var stream = typeof(MigrationScript).Assembly.GetManifestResourceStream($"migrations/{store}.sql")!;
        using var reader = new StreamReader(stream);
        return new MigrationScript(reader.ReadToEnd());
    }

    [GeneratedRegex("""^CREATE TABLE (?!IF )"?(?<name>\w+)"? """, RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex CreateTable();
}
