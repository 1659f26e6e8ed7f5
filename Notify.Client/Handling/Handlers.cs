using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Notify.Client.Connection;
using Notify.Client.Observability;
using Notify.Contracts;
using Notify.Contracts.Topics;

namespace Notify.Client.Handling;

/// <summary>The handlers of a client, called one after the other in the order in which they were registered.</summary>
internal sealed partial class Handlers(TimeProvider time, ILogger logger, Action<HandlerFailure> failed)
{
    private readonly object _gate = new();
    private Handler[] _all = [];

    public bool Any => Volatile.Read(ref _all).Length > 0;

    public IDisposable Add(string filter, HandlerOptions? options, Func<Notification, CancellationToken, Task> handle)
    {
        if (!TopicFilter.TryParseAny(filter, out var parsed, out var problem)) throw new NotifyException(ErrorCodes.InvalidFilter, problem);
        options ??= new HandlerOptions();
        options.Validate();
        var handler = new Handler(parsed, options, handle);
        lock (_gate) _all = [.. _all, handler];
        return new Registration(this, handler);
    }

    /// <summary>Completes when every handler of this topic is done with it; throws what stops the client.</summary>
    public async Task HandleAsync(Notification notification, CancellationToken cancellationToken)
    {
        foreach (var handler in Volatile.Read(ref _all))
        {
            if (!handler.Filter.Matches(notification.Topic)) continue;
            using var activity = ClientTelemetry.Process(notification);
            var began = Stopwatch.GetTimestamp();
            string? error = null;
            try
            {
                error = await HandleAsync(handler, notification, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                error = e.GetType().FullName;
                throw;
            }
            finally
            {
                ClientTelemetry.Processed(activity, began, error);
            }
        }
    }

    // Answers the type of the error that was skipped.
    private async Task<string?> HandleAsync(Handler handler, Notification notification, CancellationToken cancellationToken)
    {
        var (options, backoff) = (handler.Options, new Backoff(handler.Options.RetryDelay, handler.Options.MaxRetryDelay));
        for (var attempt = 1; ; attempt++)
        {
            Exception error;
            try
            {
                await handler.Handle(notification, cancellationToken).ConfigureAwait(false);
                return null;
            }
            catch (Exception e) when (!(e is OperationCanceledException && cancellationToken.IsCancellationRequested))
            {
                error = e;
            }

            var unreadable = error is UnreadableDataException;
            if (unreadable) error = error.InnerException!;
            var next = unreadable ? options.OnUnreadable
                : options.OnFailure != FailurePolicy.Retry ? options.OnFailure
                : attempt < (options.MaxAttempts ?? int.MaxValue) ? FailurePolicy.Retry : options.AfterLastAttempt;
            Log.Failed(logger, handler.Filter.Text, notification.Version, attempt, next, error);
            failed(new HandlerFailure(notification, handler.Filter.Text, error, attempt, next));
            if (next == FailurePolicy.Skip) return error.GetType().FullName;
            if (next == FailurePolicy.Stop)
            {
                throw new NotifyException(null, $"The handler of {handler.Filter} failed on {notification.Topic}: {error.Message}", null, error)
                {
                    Failure = NotifyFailure.Permanent,
                };
            }

            await Task.Delay(backoff.Next(), time, cancellationToken).ConfigureAwait(false);
        }
    }

    private sealed record Handler(TopicFilter Filter, HandlerOptions Options, Func<Notification, CancellationToken, Task> Handle);

    private sealed class Registration(Handlers handlers, Handler handler) : IDisposable
    {
        public void Dispose()
        {
            lock (handlers._gate) handlers._all = [.. handlers._all.Where(one => !ReferenceEquals(one, handler))];
        }
    }

    private static partial class Log
    {
        [LoggerMessage(9011, LogLevel.Warning, "The handler of {Filter} failed on version {Version}, attempt {Attempt}; next: {Next}.")]
        public static partial void Failed(ILogger logger, string filter, long? version, int attempt, FailurePolicy next, Exception error);
    }
}

/// <summary>A notification's data is not what the handler reads.</summary>
internal sealed class UnreadableDataException(JsonException error) : Exception(error.Message, error);
