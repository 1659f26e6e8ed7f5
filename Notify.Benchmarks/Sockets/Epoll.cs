using System.ComponentModel;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Notify.Benchmarks.Sockets;

/// <summary>Readiness of many sockets on one thread: the load must cost as little as possible. Linux on x64.</summary>
internal sealed unsafe partial class Epoll : IDisposable
{
    private const int MaxReady = 1024;
    private const uint Readable = 1;
    private const uint Writable = 4;

    private readonly int _descriptor;
    private readonly Ready[] _ready = new Ready[MaxReady];

    public Epoll()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
            throw new PlatformNotSupportedException("The load generator uses epoll: run it on Linux x64.");
        _descriptor = Create(0);
        if (_descriptor < 0) throw new Win32Exception();
    }

    private enum Change
    {
        Add = 1,
        Modify = 3,
    }

    public void Add(Socket socket, int number) => Control(Change.Add, socket, Readable, number);

    /// <summary>Whether the caller also wants to know when it can write again.</summary>
    public void WantWrite(Socket socket, int number, bool wanted) =>
        Control(Change.Modify, socket, wanted ? Readable | Writable : Readable, number);

    /// <summary>Waits up to so many milliseconds; returns how many are ready.</summary>
    public int Wait(int milliseconds)
    {
        fixed (Ready* ready = _ready)
        {
            var count = Wait(_descriptor, ready, MaxReady, milliseconds);
            return Math.Max(count, 0); // interrupted by a signal: the caller comes again
        }
    }

    public int Number(int index) => (int)_ready[index].Data;

    public bool CanWrite(int index) => (_ready[index].Events & Writable) != 0;

    public void Dispose() => _ = Close(_descriptor);

    private void Control(Change change, Socket socket, uint events, int number)
    {
        var ready = new Ready { Events = events, Data = number };
        if (Control(_descriptor, (int)change, (int)socket.Handle, &ready) < 0) throw new Win32Exception();
    }

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Create(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Control(int descriptor, int change, int socket, Ready* ready);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Wait(int descriptor, Ready* ready, int max, int milliseconds);

    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Close(int descriptor);

    /// <summary>The kernel's struct epoll_event, packed on x64 only.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private struct Ready
    {
        public uint Events;
        public long Data;
    }
}
