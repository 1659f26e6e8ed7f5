// What .NET has and netstandard2.0 has not, of the few calls that the client makes.
#if NETSTANDARD
namespace System
{
    internal static class NetStandardClient
    {
        private static readonly ThreadLocal<Random> Random = new(() => new Random(Guid.NewGuid().GetHashCode()));

        extension(Random)
        {
            public static Random Shared => Random.Value!;
        }

        extension(Task)
        {
            public static Task Delay(TimeSpan delay, TimeProvider time, CancellationToken cancellationToken) =>
                TimeProviderTaskExtensions.Delay(time, delay, cancellationToken);
        }

        public static Task WaitAsync(this Task task, CancellationToken cancellationToken) =>
            task.WaitAsync(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);

        public static Task<T> WaitAsync<T>(this Task<T> task, CancellationToken cancellationToken) =>
            task.WaitAsync(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);

        public static Task CancelAsync(this CancellationTokenSource source) => Task.Run(source.Cancel);

        public static Task<byte[]> ReadAsByteArrayAsync(this HttpContent content, CancellationToken cancellationToken) =>
            content.ReadAsByteArrayAsync().WaitAsync(cancellationToken);
    }
}

namespace System.Net.Http
{
    internal sealed class ReadOnlyMemoryContent(ReadOnlyMemory<byte> content) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            System.Runtime.InteropServices.MemoryMarshal.TryGetArray(content, out var segment)
                ? stream.WriteAsync(segment.Array!, segment.Offset, segment.Count)
                : stream.WriteAsync(content.ToArray(), 0, content.Length);

        protected override bool TryComputeLength(out long length)
        {
            length = content.Length;
            return true;
        }
    }
}
#endif
