using Microsoft.AspNetCore.Http.Connections.Client;

namespace Notify.Client.Api;

/// <summary>The HTTP client of a <see cref="NotifyClient"/>, with what the app said of its connection: handler, proxy, certificates, headers.</summary>
internal static class RestClient
{
    public static HttpClient Make(NotifyClientOptions options)
    {
        var connection = new HttpConnectionOptions();
        options.ConfigureConnection?.Invoke(connection);
        var handler = new HttpClientHandler { UseCookies = connection.Cookies.Count > 0 };
        if (handler.UseCookies) handler.CookieContainer = connection.Cookies;
        if (connection.Proxy is { } proxy) handler.Proxy = proxy;
        if (connection.Credentials is { } credentials) handler.Credentials = credentials;
        if (connection.UseDefaultCredentials is { } useDefault) handler.UseDefaultCredentials = useDefault;
        if (connection.ClientCertificates is { Count: > 0 } certificates) handler.ClientCertificates.AddRange(certificates);
        // HttpClientHandler disposes of nothing that is shared; what a factory gives is the client's from then on.
        var http = new HttpClient(connection.HttpMessageHandlerFactory?.Invoke(handler) ?? handler);
        foreach (var header in connection.Headers) http.DefaultRequestHeaders.TryAddWithoutValidation(header.Key, header.Value);
        return http;
    }
}
