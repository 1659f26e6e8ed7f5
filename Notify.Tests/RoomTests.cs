using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Notify.Tests;

/// <summary>
/// Rooms (the folders of a project, and so its namespaces) need each other in one direction only: the graph
/// shows what a change of one may touch.
/// </summary>
/// <remarks>
/// What is below a folder belongs to its room, except in Delivery, whose parts are rooms of their own. The namespace
/// Notify.Server itself is the composition, which knows every room and which none knows.
/// </remarks>
public class RoomTests
{
    private static readonly string[] Projects = ["Notify.Engine", "Notify.Server"];

    [Fact]
    public void Rooms_need_each_other_in_one_direction_only()
    {
        var needs = Needs();
        Assert.Contains("Notify.Engine.Tail", needs["Notify.Engine.Delivery.Sessions"].Keys); // the graph sees what is there
        Assert.Contains("Notify.Engine.Publishing", needs["Notify.Server.Hubs"].Keys);
        foreach (var room in needs.Keys)
        {
            if (PathBack(room, needs) is { } circle) Assert.Fail($"A circle of rooms: {string.Join(" → ", circle)}. {Evidence(circle, needs)}");
        }
    }

    [Fact]
    public void Only_the_composition_knows_everything() =>
        Assert.DoesNotContain("Notify.Server", Needs().Where(room => room.Key != "Notify.Server").SelectMany(room => room.Value.Keys));

    [Fact]
    public void A_types_namespace_is_its_folder()
    {
        foreach (var project in Projects)
        {
            var folder = Path.Combine(Fixtures.Repository.Root, project);
            var wrong = Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
                .Select(file => (Name: Path.GetRelativePath(folder, file), Text: File.ReadLines(file)))
                .Where(file => !file.Name.StartsWith("obj", StringComparison.Ordinal) && !file.Name.StartsWith("bin", StringComparison.Ordinal))
                .Select(file => (file.Name, Declared: file.Text.FirstOrDefault(line => line.StartsWith("namespace ", StringComparison.Ordinal))))
                .Where(file => file.Declared is not null && file.Declared != $"namespace {NamespaceOf(project, file.Name)};")
                .Select(file => file.Name);
            Assert.Empty(wrong);
        }
    }

    [Fact]
    public void The_architecture_page_leads_to_every_room()
    {
        var page = File.ReadAllText(Path.Combine(Fixtures.Repository.Root, "ARCHITECTURE.md"));
        Assert.All(
            Needs().Keys.Where(room => room.Count(c => c == '.') > 1),
            room =>
            {
                var parts = room.Split('.');
                var folder = string.Join('/', parts[..2]).Replace("Notify/", "Notify.", StringComparison.Ordinal);
                Assert.Contains($"]({folder}/{string.Join('/', parts[2..])}/)", page, StringComparison.Ordinal);
            });
    }

    private static string NamespaceOf(string project, string file) =>
        Path.GetDirectoryName(file) is { Length: > 0 } folder ? $"{project}.{folder.Replace(Path.DirectorySeparatorChar, '.')}" : project;

    private static Dictionary<string, Dictionary<string, string>> Needs()
    {
        var needs = new Dictionary<string, Dictionary<string, string>>(StringComparer.Ordinal);
        foreach (var project in Projects)
        {
            using var assembly = AssemblyDefinition.ReadAssembly(Path.Combine(AppContext.BaseDirectory, $"{project}.dll"));
            foreach (var type in assembly.MainModule.GetTypes())
            {
                if (RoomOf(type) is not { } room) continue;
                if (!needs.TryGetValue(room, out var known)) needs[room] = known = new(StringComparer.Ordinal);
                foreach (var used in Used(type))
                {
                    if (RoomOf(used) is { } other && other != room) known.TryAdd(other, $"{type.FullName} uses {used.FullName}.");
                }
            }
        }

        return needs;
    }

    private static string? RoomOf(TypeReference type)
    {
        while (type.DeclaringType is { } outer) type = outer;
        if (!Projects.Any(project => type.Namespace == project || type.Namespace.StartsWith(project + '.', StringComparison.Ordinal))) return null;
        var parts = type.Namespace.Split('.');
        return string.Join('.', parts.Take(parts is [_, _, "Delivery", ..] ? 4 : 3));
    }

    private static IEnumerable<TypeReference> Used(TypeDefinition type)
    {
        var used = new List<TypeReference?> { type.BaseType };
        used.AddRange(type.Interfaces.Select(implemented => implemented.InterfaceType));
        used.AddRange(type.Fields.Select(field => field.FieldType));
        foreach (var method in type.Methods)
        {
            used.Add(method.ReturnType);
            used.AddRange(method.Parameters.Select(parameter => parameter.ParameterType));
            if (!method.HasBody) continue;
            used.AddRange(method.Body.Variables.Select(variable => variable.VariableType));
            used.AddRange(method.Body.Instructions.SelectMany(Operands));
        }

        return used.OfType<TypeReference>().SelectMany(Parts);
    }

    private static IEnumerable<TypeReference?> Operands(Instruction instruction) => instruction.Operand switch
    {
        TypeReference type => [type],
        GenericInstanceMethod method => [method.DeclaringType, .. method.GenericArguments],
        MemberReference member => [member.DeclaringType],
        _ => [],
    };

    // A list of sessions uses sessions.
    private static IEnumerable<TypeReference> Parts(TypeReference type) => type switch
    {
        GenericInstanceType generic => generic.GenericArguments.SelectMany(Parts).Prepend(generic.ElementType),
        TypeSpecification specification => Parts(specification.ElementType),
        _ => [type],
    };

    private static List<string>? PathBack(string room, Dictionary<string, Dictionary<string, string>> needs)
    {
        var ways = new Queue<List<string>>([[room]]);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (ways.TryDequeue(out var way))
        {
            foreach (var next in needs.GetValueOrDefault(way[^1])?.Keys ?? Enumerable.Empty<string>())
            {
                if (next == room) return [.. way, room];
                if (seen.Add(next)) ways.Enqueue([.. way, next]);
            }
        }

        return null;
    }

    private static string Evidence(List<string> circle, Dictionary<string, Dictionary<string, string>> needs) =>
        string.Join(' ', circle.Zip(circle.Skip(1), (from, to) => needs[from][to]));
}
