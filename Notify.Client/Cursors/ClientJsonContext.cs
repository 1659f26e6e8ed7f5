using System.Text.Json.Serialization;

namespace Notify.Client;

/// <summary>What the client itself keeps as JSON.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Cursor))]
internal sealed partial class ClientJsonContext : JsonSerializerContext;
