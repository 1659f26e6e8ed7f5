using Notify.Tests.Fixtures;

namespace Notify.Tests;

/// <summary>What no analyzer checks.</summary>
public sealed class SourceStyleTests
{
    private const int Columns = 160;
    private const string RawString = "\"\"\"";

    /// <summary>Generated migrations and lines of raw strings, which are text and not code, may be longer.</summary>
    [Fact]
    public void Lines_of_code_have_at_most_160_columns()
    {
        var tooLong = new List<string>();
        foreach (var file in Repository.SourceFiles())
        {
            var isRaw = false;
            foreach (var (index, line) in File.ReadLines(file).Index())
            {
                var marks = line.Split(RawString).Length - 1;
                if (line.Length > Columns && !isRaw && marks == 0) tooLong.Add($"{Path.GetRelativePath(Repository.Root, file)}:{index + 1} ({line.Length})");
                if (marks % 2 == 1) isRaw = !isRaw;
            }
        }

        Assert.Empty(tooLong);
    }

    /// <summary>System's first, then by name: of what <c>dotnet format</c> checks, neither the build nor its white space has this.</summary>
    [Fact]
    public void Usings_are_in_order()
    {
        var disordered = new List<string>();
        foreach (var file in Repository.SourceFiles())
        {
            var names = File.ReadLines(file).Where(line => line.StartsWith("using ", StringComparison.Ordinal) && line.EndsWith(';'))
                .Select(line => line[6..^1]).Where(name => name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '_')).ToList();
            var ordered = names.OrderBy(name => name != "System" && !name.StartsWith("System.", StringComparison.Ordinal))
                .ThenBy(name => name.Replace('.', '\0'), StringComparer.OrdinalIgnoreCase);
            if (!names.SequenceEqual(ordered)) disordered.Add(Path.GetRelativePath(Repository.Root, file));
        }

        Assert.Empty(disordered);
    }
}
