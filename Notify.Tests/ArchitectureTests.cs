using System.Reflection;
using System.Xml.Linq;
using Microsoft.Extensions.Hosting;
using Notify.Engine;

namespace Notify.Tests;

/// <summary>The arrows of <c>ARCHITECTURE.md</c>: Server → Engine → Storage, all → Contracts, Client.MessagePack → Client → Contracts, and no others.</summary>
public class ArchitectureTests
{
    [Theory]
    [InlineData("Notify.Contracts")]
    [InlineData("Notify.Storage")]
    [InlineData("Notify.Client", "Notify.Contracts")]
    [InlineData("Notify.Client.MessagePack", "Notify.Client", "Notify.Contracts")]
    [InlineData("Notify.Engine", "Notify.Contracts", "Notify.Storage")]
    [InlineData("Notify.Server", "Notify.Contracts", "Notify.Engine", "Notify.Storage")]
    public void A_project_refers_only_to_those_below_it(string project, params string[] allowed)
    {
        // The project file, since a reference that nothing uses yet does not show in the assembly.
        var file = Path.Combine(Fixtures.Repository.Root, project, $"{project}.csproj");
        var declared = XDocument.Load(file).Descendants("ProjectReference")
            .Select(r => Path.GetFileNameWithoutExtension(r.Attribute("Include")!.Value.Replace('\\', '/')));
        Assert.Equal(allowed.Order(), declared.Order());

        var used = Assembly.Load(project).GetReferencedAssemblies().Select(a => a.Name!).Where(name => name.StartsWith("Notify.", StringComparison.Ordinal));
        Assert.Empty(used.Except(allowed));
    }

    [Fact]
    public void The_engine_knows_no_wire() => Assert.DoesNotContain(
        Assembly.Load("Notify.Engine").GetReferencedAssemblies(),
        reference =>
            reference.Name!.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal) || reference.Name.StartsWith("MessagePack", StringComparison.Ordinal));

    [Fact]
    public void The_contract_needs_no_package_at_run_time() => Assert.All(
        Assembly.Load("Notify.Contracts").GetReferencedAssemblies(),
        reference => Assert.StartsWith("System.", reference.Name, StringComparison.Ordinal));

    [Theory]
    [InlineData("Notify.Engine")]
    [InlineData("Notify.Server")]
    public void A_background_service_outlives_a_cancelled_start(string project)
    {
        var services = Assembly.Load(project).GetTypes().Where(type => typeof(BackgroundService).IsAssignableFrom(type)).ToList();
        Assert.NotEmpty(services);
        Assert.All(services, type => Assert.True(typeof(NodeService).IsAssignableFrom(type), $"{type.Name} is a NodeService"));
    }
}
