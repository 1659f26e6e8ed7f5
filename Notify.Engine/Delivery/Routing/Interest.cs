using System.Runtime.InteropServices;
using Notify.Contracts.Topics;

namespace Notify.Engine.Delivery.Routing;

/// <summary>Where an interest comes from, which decides how it ends.</summary>
internal enum InterestKind : byte
{
    /// <summary>Named by the connection: until it unsubscribes, or its token no longer covers the filter.</summary>
    Named,

    /// <summary>A group named by the token: for as long as a token with it is used.</summary>
    Token,

    /// <summary>The user's own topic: always.</summary>
    Own,

    /// <summary>A membership of the user: by interval.</summary>
    Membership,

    /// <summary>A durable subscription of the user: by interval, and only while the token covers it.</summary>
    Durable,
}

/// <summary>
/// One filter that a session follows for the versions above <see cref="From"/>. Twelve bytes in the session's own array: a user has
/// dozens of them, and a node ten thousand users. Its end, which few have, is the session's to know.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 4)]
internal struct Interest
{
    public const long Open = long.MaxValue;

    private const int FromBits = 54; // a version has 53
    private const ulong FromMask = (1UL << FromBits) - 1;
    private const int KindBits = 3;
    private const ulong KindMask = (1UL << KindBits) - 1;
    private const ulong AsleepBit = 1UL << (FromBits + KindBits);
    private const ulong IndexedBit = AsleepBit << 1;

    private ulong _rest;

    public Interest(int filter, InterestKind kind, long from, bool asleep)
    {
        (Filter, From, Asleep) = (filter, from, asleep);
        _rest |= (ulong)kind << FromBits;
    }

    /// <summary>The number of the filter.</summary>
    public int Filter { get; }

    public readonly InterestKind Kind => (InterestKind)(_rest >> FromBits & KindMask);

    /// <summary>Only versions above it. <see cref="long.MaxValue"/> until the filter has its version.</summary>
    public long From
    {
        readonly get => (_rest & FromMask) is < FromMask and var from ? (long)from : long.MaxValue;
        set => _rest = (_rest & ~FromMask) | Math.Min((ulong)Math.Max(value, 0), FromMask);
    }

    /// <summary>A durable subscription that the token does not cover: kept, and brings nothing.</summary>
    public bool Asleep
    {
        readonly get => (_rest & AsleepBit) != 0;
        set => Set(AsleepBit, value);
    }

    /// <summary>The session is found by it.</summary>
    public bool Indexed
    {
        readonly get => (_rest & IndexedBit) != 0;
        set => Set(IndexedBit, value);
    }

    /// <summary>Whether this version is in its interval. An ephemeral notification (version 0) is for open intervals only.</summary>
    public readonly bool Holds(long version, long until) =>
        !Asleep && (version == 0 ? From != long.MaxValue && until == Open : From < version && version <= until);

    private void Set(ulong bit, bool value) => _rest = value ? _rest | bit : _rest & ~bit;
}

/// <summary>What a user follows by interval, on every connection: a membership or a durable subscription.</summary>
/// <param name="Kind">Which of the two.</param>
/// <param name="Filter">The group's topic, or the durable filter.</param>
/// <param name="Since">It holds for versions above.</param>
/// <param name="Until">And up to; <see cref="Interest.Open"/> while it has no end.</param>
internal readonly record struct UserInterest(InterestKind Kind, TopicFilter Filter, long Since, long Until = Interest.Open);
