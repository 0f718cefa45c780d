// Package esdbdouble is a DOUBLE of EventStoreDB, for tests only: it keeps everything in memory and is no database. It speaks the
// database's gRPC protocol on a loopback socket, through the server stubs of the vendor's Go module, so that an unmodified client,
// in this process or in another, cannot tell it from a server by what it uses of one.
//
// It keeps to the semantics of servers of version 22.10 and newer where they matter to a ledger:
//
//   - An append is checked against the expected revision. One whose event ids already stand right after that revision is acknowledged and
//     not stored again; one that shares only some of them is a conflict.
//   - $all is in commit order. Each event of an append has a commit position of its own, a byte offset in the log; the prepare
//     position that is reported is that of the append's first event. System events stand between those of clients. A read may only
//     start at the place of an event, or beyond the end.
//   - A read forward from a position includes the event there, a read backward and a subscription do not.
//   - A subscription is confirmed first, then catches up, then is live; a filtered one is sent checkpoints.
//   - Calls with requires-leader are refused by a node that does not lead, which names the one that does.
//
// What it does not know (reading streams backwards, deletes, any-revision appends, persistent subscriptions, users) it refuses with
// Unimplemented. The rest of its methods are faults: what goes wrong with servers and networks, at will.
package esdbdouble
