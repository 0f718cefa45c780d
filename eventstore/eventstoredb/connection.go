package eventstoredb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strconv"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/licenseledger/licenseledger/eventstore"
)

const (
	// maxRedirects is how often one call follows servers that say that another one leads.
	maxRedirects = 3
	// deadlinePerEvent is how much later the deadline of a call is for each event that it moves.
	deadlinePerEvent = 2 * time.Millisecond
)

// connection finds the leader and keeps a connection to it.
//
// It speaks the protocol through the stubs of the vendor's Go module rather than through that module's Client (v4.2.0), whose defects
// cannot be wrapped from outside: after ten failed discoveries it is dead, and a call that was about to ask it for a connection
// then waits forever, whatever its context says; a lost connection is replaced but never closed; reading a message that it does
// not know panics, and an event without a readable creation time ends the process; "requires-leader" is put where it is never
// sent; and $all cannot be read with a filter. Here a broken connection heals by itself, as gRPC's own connections do.
type connection struct {
	settings
	logger *slog.Logger

	lock    chan struct{} // holds a token while somebody looks at or changes what follows; a lock that a ctx can give up on
	conn    *grpc.ClientConn
	strayed bool   // conn leads to another server than the connection string names
	leader  string // where the next connection leads to; empty: wherever the connection string says
	closed  bool
}

func newConnection(url string, logger *slog.Logger) (*connection, error) {
	s, err := parse(url)
	if err != nil {
		return nil, err
	}
	return &connection{settings: s, logger: logger, lock: make(chan struct{}, 1)}, nil
}

// do makes a call at the leader. call may be made again when a server that does not lead refused it, having done nothing.
func (c *connection) do(ctx context.Context, call func(context.Context, streams.StreamsClient) error) error {
	ctx = metadata.AppendToOutgoingContext(ctx, "requires-leader", "true")
	for redirects := 0; ; redirects++ {
		conn, err := c.acquire(ctx)
		if err != nil {
			return err
		}
		if err = call(ctx, streams.NewStreamsClient(conn)); err == nil {
			return nil
		}
		c.failed(conn, err)
		var elsewhere *notLeader
		if !errors.As(err, &elsewhere) || elsewhere.leader == "" || redirects == maxRedirects {
			return err
		}
	}
}

// acquire returns the connection, making one when there is none.
func (c *connection) acquire(ctx context.Context) (*grpc.ClientConn, error) {
	select {
	case c.lock <- struct{}{}:
		defer func() { <-c.lock }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if c.closed {
		return nil, eventstore.ErrClosed
	}
	if c.conn != nil {
		return c.conn, nil
	}
	address := c.leader
	if address == "" {
		var err error
		if address, err = c.discover(ctx); err != nil {
			return nil, err
		}
	}
	conn, err := grpc.NewClient(address, c.dial...)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	c.logger.Info("connecting to EventStoreDB", "address", address)
	c.conn, c.strayed, c.leader = conn, c.leader != "", ""
	return conn, nil
}

// failed looks at why a call failed. A connection to a server that does not lead is given up, and in a cluster also one to a server
// that is gone: another one may lead now. Without a cluster the connection heals by itself.
func (c *connection) failed(conn *grpc.ClientConn, err error) {
	c.lock <- struct{}{}
	defer func() { <-c.lock }()
	var elsewhere *notLeader
	switch {
	case c.conn != conn:
		return
	case errors.As(err, &elsewhere):
		c.leader = elsewhere.leader
	case status.Code(err) == codes.Unavailable && (c.cluster || c.strayed):
	default:
		return
	}
	c.logger.Warn("giving up a connection to EventStoreDB", "address", conn.Target(), "leader", c.leader, "error", err)
	c.conn = nil
	_ = conn.Close()
}

func (c *connection) close() {
	c.lock <- struct{}{}
	defer func() { <-c.lock }()
	c.closed = true
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// discover returns the address of the leader.
func (c *connection) discover(ctx context.Context) (string, error) {
	if !c.cluster {
		return c.seeds[0], nil
	}
	var failures error
	for _, i := range rand.Perm(len(c.seeds)) { //nolint:gosec // spreads questions over servers
		address, err := c.ask(ctx, c.seeds[i])
		if err == nil {
			return address, nil
		}
		failures = errors.Join(failures, fmt.Errorf("ask %s for the leader: %w", c.seeds[i], err))
	}
	return "", failures
}

// ask returns the address of the leader that a server knows.
func (c *connection) ask(ctx context.Context, seed string) (string, error) {
	conn, err := grpc.NewClient(seed, c.dial...)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	ctx, cancel := context.WithTimeout(ctx, min(c.gossip, c.deadline))
	defer cancel()
	known, err := gossip.NewGossipClient(conn).Read(ctx, &shared.Empty{})
	if err != nil {
		return "", err
	}
	for _, m := range known.GetMembers() {
		if m.GetState() == gossip.MemberInfo_Leader && m.GetIsAlive() {
			at := m.GetHttpEndPoint()
			return net.JoinHostPort(at.GetAddress(), strconv.FormatUint(uint64(at.GetPort()), 10)), nil
		}
	}
	return "", errors.New("the cluster has no leader")
}

// bounded gives a call its deadline, which is later when it moves many events: in this protocol each is a message of its own.
func (c *connection) bounded(ctx context.Context, events int) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, c.deadline+time.Duration(events)*deadlinePerEvent)
}
