namespace Notify.Client;

/// <summary>
/// Where a follower is in the log. It speaks for the set of filters that were followed when it was obtained: keep one
/// for each set. The epoch tells one epoch of the log from another; without it version 100 of a database restored from
/// yesterday's copy would be taken for the version 100 that the follower already has.
/// </summary>
/// <param name="Since">Everything up to this version has been handled.</param>
/// <param name="Epoch">The epoch of the log to which <paramref name="Since"/> belongs.</param>
public sealed record Cursor(long Since, string Epoch);
