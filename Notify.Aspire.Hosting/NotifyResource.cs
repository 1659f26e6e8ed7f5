namespace Aspire.Hosting.ApplicationModel;

/// <summary>Notify in a container. Its connection string is its address, such as <c>http://localhost:5080</c>.</summary>
/// <param name="name">The name in the app host.</param>
public sealed class NotifyResource(string name) : ContainerResource(name), IResourceWithConnectionString
{
    internal const string EndpointName = "http";

    /// <summary>Where the HTTP calls, the hub and the event stream are.</summary>
    public EndpointReference Endpoint => new(this, EndpointName);

    /// <inheritdoc/>
    public ReferenceExpression ConnectionStringExpression => ReferenceExpression.Create($"{Endpoint.Property(EndpointProperty.Url)}");
}
