namespace Notify.Server.Http;

/// <summary>Where the calls are.</summary>
internal static class ApiPaths
{
    internal const string Root = "/api/v1";
    internal const string Notifications = Root + "/notifications";
    internal const string Topics = Root + "/topics/";
}
