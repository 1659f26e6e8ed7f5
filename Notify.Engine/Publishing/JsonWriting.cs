using System.Text.Encodings.Web;
using System.Text.Json;

namespace Notify.Engine.Publishing;

/// <summary>How the service writes JSON: text as it is, only what JSON itself demands is escaped. No answer is part of a page.</summary>
internal static class JsonWriting
{
    public static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
