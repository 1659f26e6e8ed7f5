using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Notify.Client.Hosting;

/// <summary>Reads the settings from configuration, without reflection, and says which key is wrong and which is unknown.</summary>
internal static class SettingsBinding
{
    public static void Bind(IConfigurationSection? section, NotifyClientSettings settings)
    {
        foreach (var entry in section?.GetChildren() ?? [])
        {
            switch (entry.Key.ToUpperInvariant())
            {
                case "URL": settings.Url = Address(entry); break;
                case "ADDRESSES": Fill(settings.Addresses, entry, Address); break;
                case "TOPICS": Fill(settings.Topics, entry, item => item.Value ?? ""); break;
                case "TOKEN": settings.Token = entry.Value; break;
                case "DEVICE": settings.Device = entry.Value; break;
                case "USER": settings.User = entry.Value; break;
                case "INBOX": settings.Inbox = Parsed(entry, "true or false", text => bool.TryParse(text, out var value) ? value : (bool?)null); break;
                case "CURSORFILE": settings.CursorFile = entry.Value; break;
                case "BUFFERSIZE": settings.BufferSize = Number(entry); break;
                case "TIMEOUT": settings.Timeout = Time(entry); break;
                case "MAXRECONNECTDELAY": settings.MaxReconnectDelay = Time(entry); break;
                default: throw Unknown(entry);
            }
        }
    }

    public static void Bind(IConfigurationSection? section, NotifyPublisherSettings settings)
    {
        foreach (var entry in section?.GetChildren() ?? [])
        {
            switch (entry.Key.ToUpperInvariant())
            {
                case "URL": settings.Url = Address(entry); break;
                case "ADDRESSES": Fill(settings.Addresses, entry, Address); break;
                case "TOKEN": settings.Token = entry.Value; break;
                case "MAXATTEMPTS": settings.MaxAttempts = Number(entry); break;
                case "MAXDELAY": settings.MaxDelay = Time(entry); break;
                case "TIMEOUT": settings.Timeout = Time(entry); break;
                default: throw Unknown(entry);
            }
        }
    }

    private static void Fill<T>(IList<T> list, IConfigurationSection entry, Func<IConfigurationSection, T> read)
    {
        foreach (var item in entry.GetChildren()) list.Add(read(item));
    }

    private static Uri Address(IConfigurationSection entry) => Uri.TryCreate(entry.Value, UriKind.Absolute, out var address)
        ? address
        : throw new InvalidOperationException($"{entry.Path} is '{entry.Value}': it must be an absolute http or https address.");

    private static int Number(IConfigurationSection entry) => Parsed(
        entry, "a whole number", text => int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var value) ? value : (int?)null);

    private static TimeSpan Time(IConfigurationSection entry) => Parsed(
        entry, "a time such as 00:00:10", text => TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var value) ? value : (TimeSpan?)null);

    private static T Parsed<T>(IConfigurationSection entry, string what, Func<string?, T?> parse)
        where T : struct =>
        parse(entry.Value) ?? throw new InvalidOperationException($"{entry.Path} is '{entry.Value}': it must be {what}.");

    private static InvalidOperationException Unknown(IConfigurationSection entry) => new($"{entry.Path} is no setting.");
}
