package esdbdouble

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
)

// maxMessage is what a server takes at most: an event of 16 MiB and what the protocol adds.
const maxMessage = 17 << 20

// callsPerConnection is how many calls a server answers at a time on one connection; more wait in the client.
const callsPerConnection = 100

// Server is one node of the double. What is stored lives as long as the cluster's nodes do, whether they are up or down.
type Server struct {
	cluster *cluster
	address string
	refused atomic.Int64 // calls, for not being the leader

	mu    sync.Mutex
	grpc  *grpc.Server // nil while the node is down
	conns map[net.Conn]struct{}
	ended chan struct{} // closed when grpc has ended
}

// cluster is what nodes share: the ledger, the faults, and who leads.
type cluster struct {
	*ledger
	faults
	progress
	security *security // nil without TLS

	mu     sync.Mutex
	nodes  []*Server
	leader *Server
}

// Start starts a server with an empty log, without TLS and open to everybody. The caller stops it.
func Start() (*Server, error) { return start(nil) }

// StartSecure starts a server with TLS that lets one user in.
func StartSecure(user, password string) (*Server, error) {
	s, err := newSecurity(user, password)
	if err != nil {
		return nil, err
	}
	return start(s)
}

func start(security *security) (*Server, error) {
	s, err := (&cluster{ledger: newLedger(), faults: newFaults(), security: security}).start()
	if err != nil {
		return nil, err
	}
	s.Lead()
	return s, nil
}

// Join starts another node of the same cluster, which follows.
func (s *Server) Join() (*Server, error) { return s.cluster.start() }

func (c *cluster) start() (*Server, error) {
	s := &Server{cluster: c, address: "127.0.0.1:0", conns: map[net.Conn]struct{}{}}
	if err := s.Up(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nodes = append(c.nodes, s)
	return s, nil
}

// URL is the connection string of this node. With TLS it has no credentials, and the certificate is not known to clients.
func (s *Server) URL() string {
	return fmt.Sprintf("esdb://%s?tls=%t", s.address, s.cluster.security != nil)
}

// Certificate is the server's certificate in PEM, nil without TLS. It is signed by itself.
func (s *Server) Certificate() []byte {
	if s.cluster.security == nil {
		return nil
	}
	return s.cluster.security.pem
}

// Address is where the node listens, host:port.
func (s *Server) Address() string { return s.address }

// Refused is how many calls this node has refused because it does not lead.
func (s *Server) Refused() int { return int(s.refused.Load()) }

// ClusterURL is the connection string of all nodes: a client finds the leader by gossip.
func (s *Server) ClusterURL() string {
	s.cluster.mu.Lock()
	defer s.cluster.mu.Unlock()
	addresses := make([]string, len(s.cluster.nodes))
	for i, n := range s.cluster.nodes {
		addresses[i] = n.address
	}
	return "esdb://" + strings.Join(addresses, ",") + "?tls=false&gossipTimeout=2"
}

// Lead makes this node the leader and all others followers.
func (s *Server) Lead() {
	s.cluster.mu.Lock()
	defer s.cluster.mu.Unlock()
	s.cluster.leader = s
}

// Up starts the node when it is down, at the address that it had.
func (s *Server) Up() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.grpc != nil {
		return nil
	}
	listener, err := net.Listen("tcp", s.address) //nolint:noctx // nothing to wait for
	if err != nil {
		return fmt.Errorf("start the double of EventStoreDB: %w", err)
	}
	s.address = listener.Addr().String()
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxConcurrentStreams(callsPerConnection),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}),
		grpc.WaitForHandlers(true),
	}
	if s.cluster.security != nil {
		options = append(options, s.cluster.security.options()...)
	}
	server := grpc.NewServer(options...)
	streams.RegisterStreamsServer(server, streamsService{node: s})
	gossip.RegisterGossipServer(server, gossipService{node: s})
	serverfeatures.RegisterServerFeaturesServer(server, featuresService{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(&watched{Listener: listener, server: s})
	}()
	s.grpc, s.ended = server, ended
	return nil
}

// Down ends the node as a crash does: connections break, calls are not answered.
func (s *Server) Down() {
	s.mu.Lock()
	server, ended := s.grpc, s.ended
	s.grpc = nil
	s.mu.Unlock()
	if server != nil {
		server.Stop()
		<-ended
	}
}

// Stop ends all nodes of the cluster. What was stored is gone.
func (s *Server) Stop() {
	s.cluster.mu.Lock()
	nodes := s.cluster.nodes
	s.cluster.mu.Unlock()
	for _, n := range nodes {
		n.Down()
	}
}

// DropConnections breaks all connections to this node. New ones can be made.
func (s *Server) DropConnections() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		_ = c.Close()
	}
}

// watched is a listener that remembers its connections.
type watched struct {
	net.Listener
	server *Server
}

// Accept is [net.Listener].
func (w *watched) Accept() (net.Conn, error) {
	c, err := w.Listener.Accept()
	if err != nil {
		return nil, err
	}
	w.server.mu.Lock()
	defer w.server.mu.Unlock()
	w.server.conns[c] = struct{}{}
	return &watchedConn{Conn: c, server: w.server}, nil
}

type watchedConn struct {
	net.Conn
	server *Server
}

// Close is [net.Conn].
func (c *watchedConn) Close() error {
	c.server.mu.Lock()
	delete(c.server.conns, c.Conn)
	c.server.mu.Unlock()
	return c.Conn.Close()
}
