using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

/// <summary>Adds Notify to an app host.</summary>
public static class NotifyBuilderExtensions
{
    /// <summary>What <c>docker build -f deploy/Dockerfile -t notify .</c> makes.</summary>
    private const string Image = "notify";
    private const string Tag = "latest";

    /// <summary>The image's own.</summary>
    private const int Port = 5080;
    private const string Data = "/data";

    /// <summary>
    /// Adds the service as a container of the image <c>notify</c>, which is built from <c>deploy/Dockerfile</c>; another one is named by
    /// <c>WithImage</c>. It is healthy when it is ready for traffic. Without
    /// <see cref="WithPostgres"/> it stores in a SQLite file inside the container, which <see cref="WithDataVolume"/> keeps.
    /// </summary>
    /// <remarks>
    /// It takes no caller before it is told which: <see cref="WithSigningKey"/>, an authority by
    /// <c>WithEnvironment("Notify__Auth__Authority", …)</c>, or <see cref="WithAnonymousAccess"/>.
    /// </remarks>
    /// <param name="builder">The app host's builder.</param>
    /// <param name="name">The name of the resource, and of the connection string that <c>WithReference</c> gives to others: the address.</param>
    /// <param name="port">The port on the developer's machine; null: a free one.</param>
    public static IResourceBuilder<NotifyResource> AddNotify(this IDistributedApplicationBuilder builder, [ResourceName] string name, int? port = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.AddResource(new NotifyResource(name))
            .WithImage(Image, Tag)
            .WithHttpEndpoint(port, Port, NotifyResource.EndpointName)
            .WithHttpHealthCheck("/health/ready", endpointName: NotifyResource.EndpointName)
            .WithOtlpExporter();
    }

    /// <summary>Stores in a database of Postgres, 15 or later, and starts when it is there. Several nodes may share it.</summary>
    /// <param name="builder">The service.</param>
    /// <param name="database">The database, such as <c>builder.AddPostgres("postgres").AddDatabase("notifications")</c>.</param>
    public static IResourceBuilder<NotifyResource> WithPostgres(this IResourceBuilder<NotifyResource> builder,
        IResourceBuilder<IResourceWithConnectionString> database) => builder.WithReference(database, "Postgres").WaitFor(database);

    /// <summary>Joins several nodes on one Postgres by Redis; without it they use Postgres itself.</summary>
    /// <param name="builder">The service.</param>
    /// <param name="redis">Redis, such as <c>builder.AddRedis("redis")</c>.</param>
    public static IResourceBuilder<NotifyResource> WithRedis(this IResourceBuilder<NotifyResource> builder,
        IResourceBuilder<IResourceWithConnectionString> redis) => builder.WithReference(redis, "Redis").WaitFor(redis);

    /// <summary>Verifies tokens by a shared secret, of at least 32 bytes; callers without one are refused from then on.</summary>
    /// <param name="builder">The service.</param>
    /// <param name="secret">The secret, such as <c>builder.AddParameter("notify-key", secret: true)</c>.</param>
    public static IResourceBuilder<NotifyResource> WithSigningKey(this IResourceBuilder<NotifyResource> builder, IResourceBuilder<ParameterResource> secret) =>
        builder.WithEnvironment("Notify__Auth__SigningKey", secret);

    /// <summary>Everyone may use every topic: to try it out, on a machine or a network of one's own.</summary>
    /// <param name="builder">The service.</param>
    public static IResourceBuilder<NotifyResource> WithAnonymousAccess(this IResourceBuilder<NotifyResource> builder) =>
        builder.WithEnvironment("Notify__Auth__AllowAnonymous", "true");

    /// <summary>Keeps the SQLite file in a volume.</summary>
    /// <param name="builder">The service.</param>
    /// <param name="name">The volume's name; null: one made of the app host's name and the resource's.</param>
    public static IResourceBuilder<NotifyResource> WithDataVolume(this IResourceBuilder<NotifyResource> builder, string? name = null) =>
        builder.WithVolume(name ?? VolumeNameGenerator.Generate(builder, "data"), Data);
}
