// Package wire is a TCP proxy between a program and a server that it uses. It can delay, drop and cut connections.
package wire

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// Proxy forwards connections from a port of the loopback interface to a server. It is safe for concurrent use.
type Proxy struct {
	listener         net.Listener
	network, address string // of the server
	serving          sync.WaitGroup

	mu    sync.Mutex // guards what follows
	state state
	conns map[*conn]struct{}
}

// state is what goes wrong. The zero value forwards everything.
type state struct {
	delay     time.Duration // each way
	blackhole bool          // what is sent is lost, and the connections stay open
	budget    int64         // bytes that a connection may carry before it is cut; 0: any number
}

// conn is one connection of the program with that to the server.
type conn struct {
	client, server net.Conn
	lost           bool // stays lost after Restore: a real network forgets connections too
	carried        int64
}

// New returns a proxy that forwards to a server, whose network and address are as in [net.Dial].
func New(network, address string) (*Proxy, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	p := &Proxy{listener: listener, network: network, address: address, conns: map[*conn]struct{}{}}
	p.serving.Go(p.accept)
	return p, nil
}

// Port is the port on 127.0.0.1 that the program connects to.
func (p *Proxy) Port() int { return p.listener.Addr().(*net.TCPAddr).Port }

// Delay delays data in each direction.
func (p *Proxy) Delay(d time.Duration) { p.set(state{delay: d}) }

// Blackhole drops all data without closing anything (half-open connections). Connections made before Restore stay lost.
func (p *Proxy) Blackhole() { p.set(state{blackhole: true}) }

// CutAfter cuts every connection when it has carried so many bytes from now on.
func (p *Proxy) CutAfter(bytes int64) { p.set(state{budget: bytes}) }

// Restore forwards again, for new connections at least.
func (p *Proxy) Restore() { p.set(state{}) }

// Reset resets all connections. New ones can be made.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.reset()
	}
}

// Close resets all connections and stops listening.
func (p *Proxy) Close() error {
	err := p.listener.Close()
	p.Reset()
	p.serving.Wait()
	return err
}

func (p *Proxy) set(s state) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = s
	for c := range p.conns {
		c.lost, c.carried = c.lost || s.blackhole, 0
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.serving.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	server, err := (&net.Dialer{}).DialContext(context.Background(), p.network, p.address)
	if err != nil {
		_ = client.Close()
		return
	}
	c := &conn{client: client, server: server}
	p.mu.Lock()
	c.lost = p.state.blackhole
	p.conns[c] = struct{}{}
	p.mu.Unlock()
	var back sync.WaitGroup
	back.Go(func() { p.carry(c, client, server) })
	p.carry(c, server, client)
	back.Wait()
	p.mu.Lock()
	delete(p.conns, c)
	p.mu.Unlock()
}

// carry passes on what comes from one end until either end is closed.
func (p *Proxy) carry(c *conn, to, from net.Conn) {
	defer c.reset()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		pass, lost, delay := p.pass(c, int64(n))
		if lost {
			continue
		}
		<-time.After(delay)
		if _, err := to.Write(buffer[:pass]); err != nil || pass < int64(n) {
			return
		}
	}
}

// pass returns how many of n bytes get through, and how late.
func (p *Proxy) pass(c *conn, n int64) (pass int64, lost bool, delay time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state.budget > 0 {
		pass = min(n, p.state.budget-c.carried)
		c.carried += pass
		return pass, false, 0
	}
	return n, c.lost, p.state.delay
}

// reset closes both ends, so that the program sees a reset and not of an orderly end.
func (c *conn) reset() {
	_ = c.client.(*net.TCPConn).SetLinger(0)
	_ = c.client.Close()
	_ = c.server.Close()
}
