using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Notify.Storage.Sqlite;

/// <summary>What became of holding a file.</summary>
internal enum SqliteHoldFailure
{
    /// <summary>Another process, or another log of this one, has it.</summary>
    Held,

    /// <summary>It has another name too: a hard link, under which SQLite would keep another write-ahead log.</summary>
    Linked,

    /// <summary>A device, a pipe, a socket.</summary>
    NotAFile,

    /// <summary>It is not there, and must be.</summary>
    Missing,

    /// <summary>The system's own word for it.</summary>
    System,
}

/// <summary>A file that cannot be held, and why.</summary>
internal sealed class SqliteHoldException(SqliteHoldFailure failure, int errno = 0)
    : Exception(errno == 0 ? failure.ToString() : Marshal.GetPInvokeErrorMessage(errno))
{
    public SqliteHoldFailure Failure => failure;

    /// <summary>Of <see cref="SqliteHoldFailure.System"/>.</summary>
    public int Errno => errno;
}

/// <summary>
/// One process's hold on a file, on the file itself: symbolic links, other mounts and other spellings of its path lead to the
/// same lock, and there is no second file that could be deleted.
/// </summary>
/// <remarks>
/// The lock is an open-file-description lock on a byte far beyond what SQLite locks, so the two never meet, on NFS either, where
/// flock() would be a lock on the whole file. SQLite's own locks are the process's: closing any descriptor of the file drops all of
/// them. So this one is opened before SQLite opens the file and closed after SQLite has closed it, and a file that this process
/// holds is recognised without opening it again.
/// </remarks>
internal sealed partial class SqliteHold : IDisposable
{
    private const int OpenReadWrite = 0x2;
    private const int OpenCreate = 0x40;
    private const int OpenCloseOnExec = 0x80000;
    private const uint OwnerWritesOthersRead = 0b110_100_100;
    private const int SetFileDescriptionLock = 37;
    private const short WriteLock = 1;
    private const long LockedByte = 1L << 62;
    private const int EmptyPath = 0x1000;
    private const int WorkingDirectory = -100;
    private const uint BasicStatus = 0x7ff;
    private const int ErrorNoEntry = 2;
    private const int ErrorAgain = 11;
    private const int ErrorAccess = 13;

    private static readonly Lock Gate = new();
    private static readonly HashSet<string> HeldByThisProcess = new(StringComparer.Ordinal);

    private readonly SafeHandle _handle;
    private readonly string _identity;

    private SqliteHold(SafeHandle handle, string identity) => (_handle, _identity) = (handle, identity);

    /// <exception cref="SqliteHoldException">Why not.</exception>
    public static SqliteHold Take(string path, bool mayCreate)
    {
        lock (Gate)
        {
            var hold = OperatingSystem.IsLinux() && Environment.Is64BitProcess ? TakeOnLinux(path, mayCreate) : TakeBeside(path, mayCreate);
            HeldByThisProcess.Add(hold._identity);
            return hold;
        }
    }

    public void Dispose()
    {
        lock (Gate)
        {
            if (_handle.IsClosed) return;
            _handle.Dispose();
            HeldByThisProcess.Remove(_identity);
        }
    }

    private static SqliteHold TakeOnLinux(string path, bool mayCreate)
    {
        if (Look(WorkingDirectory, path, 0) is { } there && HeldByThisProcess.Contains(there.Identity)) throw new SqliteHoldException(SqliteHoldFailure.Held);
        var descriptor = Open(path, OpenReadWrite | OpenCloseOnExec | (mayCreate ? OpenCreate : 0), OwnerWritesOthersRead);
        if (descriptor < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            throw errno == ErrorNoEntry && !mayCreate ? new SqliteHoldException(SqliteHoldFailure.Missing)
                : new SqliteHoldException(SqliteHoldFailure.System, errno);
        }

        var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        try
        {
            var status = Look(descriptor, "", EmptyPath);
            if (status is { IsRegular: false }) throw new SqliteHoldException(SqliteHoldFailure.NotAFile);
            if (status is { Links: > 1 }) throw new SqliteHoldException(SqliteHoldFailure.Linked);
            var wanted = new FileLock { Type = WriteLock, Start = LockedByte, Length = 1 };
            if (Control(descriptor, SetFileDescriptionLock, ref wanted) < 0)
            {
                var errno = Marshal.GetLastPInvokeError();
                throw errno is ErrorAgain or ErrorAccess ? new SqliteHoldException(SqliteHoldFailure.Held)
                    : new SqliteHoldException(SqliteHoldFailure.System, errno);
            }

            return new SqliteHold(handle, status?.Identity ?? path);
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    // Where there are no such locks: a file beside it, which a second name does not lead to.
    private static SqliteHold TakeBeside(string path, bool mayCreate)
    {
        if (!mayCreate && !File.Exists(path)) throw new SqliteHoldException(SqliteHoldFailure.Missing);
        try
        {
            return new SqliteHold(File.OpenHandle(path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None), path);
        }
        catch (IOException error) when (error.GetType() == typeof(IOException))
        {
            throw new SqliteHoldException(SqliteHoldFailure.Held);
        }
    }

    /// <summary>Null when the system has no such call.</summary>
    private static FileStatus? Look(int directory, string path, int flags)
    {
        try
        {
            return Status(directory, path, flags, BasicStatus, out var status) == 0 ? status : null;
        }
        catch (EntryPointNotFoundException)
        {
            return null;
        }
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int Control(int descriptor, int command, ref FileLock argument);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Status(int directory, string path, int flags, uint mask, out FileStatus status);

    /// <summary>struct flock of 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct FileLock
    {
        public short Type;
        public short Whence;
        public long Start;
        public long Length;
        public int Process;
    }

    /// <summary>struct statx, the same on every architecture.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct FileStatus
    {
        private const int KindOfFile = 0xF000;
        private const int RegularFile = 0x8000;

        [FieldOffset(16)]
        public uint Links;

        [FieldOffset(28)]
        public ushort Mode;

        [FieldOffset(32)]
        public ulong Inode;

        [FieldOffset(136)]
        public uint DeviceMajor;

        [FieldOffset(140)]
        public uint DeviceMinor;

        public readonly bool IsRegular => (Mode & KindOfFile) == RegularFile;

        public readonly string Identity => $"{DeviceMajor}:{DeviceMinor}:{Inode}";
    }
}
