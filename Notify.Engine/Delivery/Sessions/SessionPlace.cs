using Notify.Contracts.Topics;
using Notify.Engine.Tail;

namespace Notify.Engine.Delivery.Sessions;

/// <summary>Where a session that catches up stands.</summary>
/// <param name="View">The log as the session has it.</param>
/// <param name="Cursor">The last version handed over or passed.</param>
/// <param name="Cap">No page goes beyond it: the interests are known up to here. Taken together with them, before anything is read.</param>
/// <param name="Filters">What it follows.</param>
/// <param name="Stamp">Another one later means that it follows less.</param>
/// <param name="SharedKey">The same for sessions that want the same from here on; null when this one is like no other.</param>
internal readonly record struct SessionPlace(LogView View, long Cursor, long Cap, TopicFilter[] Filters, int Stamp, string? SharedKey);
