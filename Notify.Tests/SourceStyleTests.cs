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
}
