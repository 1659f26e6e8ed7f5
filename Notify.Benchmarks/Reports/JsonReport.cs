using System.Text.Json;
using System.Text.Json.Serialization;

namespace Notify.Benchmarks.Reports;

internal static class JsonReport
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    public static Task WriteAsync(string path, Machine machine, IEnumerable<WorkloadReport> reports) => File.WriteAllTextAsync(path, JsonSerializer.Serialize(
        new
        {
            machine,
            workloads = reports.Select(r => new
            {
                r.Workload,
                r.What,
                runs = r.Targets,
                medians = r.Targets.ToDictionary(t => t.Key, t =>
                    t.Value.ToDictionary(f => f.Key, f => Median.Of(f.Value), StringComparer.Ordinal), StringComparer.Ordinal),
                r.Ratios,
                r.Notes,
                r.Invalid,
            }),
        }, Options));
}
