using System.Collections.ObjectModel;
using System.ComponentModel;
using Notify.Client;
using Notify.Contracts.People;

namespace DotnetClients;

/// <summary>
/// A bell and its list for a window of WPF, MAUI or Avalonia (InboxWindow.xaml is a sketch of one). It has no toolkit of its own:
/// made on the window's thread, it changes there.
/// </summary>
public sealed class InboxViewModel : INotifyPropertyChanged, IObserver<InboxSummary>, IDisposable
{
    private readonly NotifyClient _client;
    private readonly SynchronizationContext? _window = SynchronizationContext.Current;
    private readonly IDisposable _counts;
    private long _unread;
    private string _status = "";

    public InboxViewModel(NotifyClient client)
    {
        ArgumentNullException.ThrowIfNull(client);
        _client = client;
        client.StateChanged += ShowState;
        _counts = client.Inbox.Counts.Subscribe(this);
    }

    public event PropertyChangedEventHandler? PropertyChanged;

    /// <summary>Newest first.</summary>
    public ObservableCollection<InboxItem> Items { get; } = [];

    public long Unread
    {
        get => _unread;
        private set
        {
            _unread = value;
            Changed(nameof(Unread));
            Changed(nameof(Badge));
        }
    }

    /// <summary>What stands on the bell: nothing, a number, or 99+.</summary>
    public string Badge => Unread switch { 0 => "", > 99 => "99+", var count => $"{count}" };

    /// <summary>Empty while all is well.</summary>
    public string Status
    {
        get => _status;
        private set
        {
            _status = value;
            Changed(nameof(Status));
        }
    }

    public async Task OpenAsync(CancellationToken cancellationToken = default)
    {
        var page = await _client.Inbox.ListAsync(cancellationToken: cancellationToken);
        OnWindow(() =>
        {
            Items.Clear();
            foreach (var item in page.Items) Items.Add(item);
        });
    }

    public Task ReadAsync(InboxItem item, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(item);
        return _client.Inbox.ReadAsync(new InboxMark { Versions = [item.Notification.Version!.Value] }, cancellationToken);
    }

    public Task ReadAllAsync(CancellationToken cancellationToken = default) =>
        Items.Count == 0 ? Task.CompletedTask : _client.Inbox.ReadAsync(new InboxMark { UpTo = Items[0].Notification.Version }, cancellationToken);

    public void OnNext(InboxSummary value) => OnWindow(() => Unread = value.Unread);

    public void OnCompleted()
    {
    }

    public void OnError(Exception error)
    {
    }

    public void Dispose()
    {
        _client.StateChanged -= ShowState;
        _counts.Dispose();
    }

    private void ShowState(NotifyClientState state) => OnWindow(() => Status = state switch
    {
        NotifyClientState.Retrying => "Offline; what was missed comes when the connection is back.",
        NotifyClientState.Failed failed => failed.Why.Message,
        _ => "",
    });

    private void OnWindow(Action change)
    {
        if (_window is null) change();
        else _window.Post(_ => change(), null);
    }

    private void Changed(string property) => PropertyChanged?.Invoke(this, new PropertyChangedEventArgs(property));
}
