using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Notify.Client;
using Notify.Contracts;
using Notify.Contracts.People;
using Notify.Contracts.Publishing;

namespace NetFramework
{
    /// <summary>What a window of WPF or Windows Forms needs of the service: a bell, a list, orders as they are paid, and a way to publish.</summary>
    public sealed class InboxPresenter : IObserver<InboxSummary>, IDisposable
    {
        private readonly NotifyClient _client;
        private readonly NotifyPublisher _publisher;
        private readonly Action<string> _show;
        private readonly IDisposable _orders;
        private readonly IDisposable _counts;

        public InboxPresenter(NotifyClient client, NotifyPublisher publisher, Action<string> show)
        {
            _client = client ?? throw new ArgumentNullException(nameof(client));
            _publisher = publisher ?? throw new ArgumentNullException(nameof(publisher));
            _show = show ?? throw new ArgumentNullException(nameof(show));
            client.StateChanged += ShowState;
            _counts = client.Inbox.Counts.Subscribe(this);
            _orders = client.On<OrderPaid>("orders/+/paid", BookAsync, new HandlerOptions { MaxAttempts = 3 });
        }

        /// <summary>Reads until it is cancelled: each notification once and in order.</summary>
        public async Task RunAsync(CancellationToken cancellationToken)
        {
            await _client.StartAsync(cancellationToken);
            await foreach (var notification in _client.Notifications)
            {
                _show($"#{notification.Version} {notification.Topic}: {notification.Title ?? notification.Body}");
                if (cancellationToken.IsCancellationRequested) return;
            }
        }

        public async Task<IReadOnlyList<InboxItem>> OpenAsync(CancellationToken cancellationToken)
        {
            var page = await _client.Inbox.ListAsync(limit: 20, cancellationToken: cancellationToken);
            if (page.Items.Count > 0) await _client.Inbox.ReadAsync(new InboxMark { UpTo = page.Items[0].Notification.Version }, cancellationToken);
            return page.Items;
        }

        /// <returns>What is wrong, or null.</returns>
        public async Task<string?> PublishAsync(string topic, string body, CancellationToken cancellationToken)
        {
            try
            {
                await _publisher.PublishAsync(new PublishRequest { Topic = topic, Body = body }, cancellationToken);
                return null;
            }
            catch (NotifyException e) when (e.IsTransient)
            {
                return e.Message + " Try again.";
            }
        }

        public void OnNext(InboxSummary value) => _show($"{value?.Unread} unread");

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
            _orders.Dispose();
        }

        private void ShowState(NotifyClientState state) => _show(state switch
        {
            NotifyClientState.Retrying retrying => $"{retrying.Why.Message} Trying again at {retrying.When:T}.",
            NotifyClientState.Failed failed => failed.Why.Message,
            _ => state.Name,
        });

        private Task BookAsync(Notification notification, OrderPaid order, CancellationToken cancellationToken)
        {
            _show($"order {order.Id} over {order.Total} is paid");
            return Task.CompletedTask;
        }
    }

    /// <summary>The data of a notification to <c>orders/{id}/paid</c>.</summary>
    public sealed class OrderPaid
    {
        public int Id { get; set; }

        public decimal Total { get; set; }
    }
}
