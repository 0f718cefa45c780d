// Package wire stands between a program and a server that it uses, and makes the line between them bad.
package wire

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// Line passes what is sent to a port of the loopback on to a server, and its answers back. It is safe for concurrent use.
type Line struct {
	listener         net.Listener
	network, address string // of the server
	serving          sync.WaitGroup

	mu     sync.Mutex // guards what follows
	state  state
	joints map[*joint]struct{}
}

// state is how bad the line is. The zero value is a good line.
type state struct {
	delay  time.Duration // each way
	mute   bool          // what is sent is lost, and the connections stay open
	budget int64         // bytes that a connection may carry before it is cut; 0: any number
}

// joint is one connection of the program with that to the server.
type joint struct {
	client, server net.Conn
	lost           bool // for good: a line that forgot a connection does not remember it when it is mended
	carried        int64
}

// New makes a good line to a server, whose network and address are as in [net.Dial].
func New(network, address string) (*Line, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("make a line: %w", err)
	}
	l := &Line{listener: listener, network: network, address: address, joints: map[*joint]struct{}{}}
	l.serving.Go(l.accept)
	return l, nil
}

// Port is where the program is to connect to, on 127.0.0.1.
func (l *Line) Port() int { return l.listener.Addr().(*net.TCPAddr).Port }

// Delay makes everything take longer, each way.
func (l *Line) Delay(d time.Duration) { l.set(state{delay: d}) }

// Mute makes the line half-open: what is sent is lost, and nobody is told. Connections made before or meanwhile stay lost.
func (l *Line) Mute() { l.set(state{mute: true}) }

// CutAfter cuts every connection when it has carried so many bytes from now on.
func (l *Line) CutAfter(bytes int64) { l.set(state{budget: bytes}) }

// Mend makes the line good again, for new connections at least.
func (l *Line) Mend() { l.set(state{}) }

// Reset breaks all connections. New ones can be made.
func (l *Line) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for j := range l.joints {
		j.reset()
	}
}

// Close breaks all connections and takes no more.
func (l *Line) Close() error {
	err := l.listener.Close()
	l.Reset()
	l.serving.Wait()
	return err
}

func (l *Line) set(s state) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = s
	for j := range l.joints {
		j.lost, j.carried = j.lost || s.mute, 0
	}
}

func (l *Line) accept() {
	for {
		client, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.serving.Go(func() { l.serve(client) })
	}
}

func (l *Line) serve(client net.Conn) {
	server, err := (&net.Dialer{}).DialContext(context.Background(), l.network, l.address)
	if err != nil {
		_ = client.Close()
		return
	}
	j := &joint{client: client, server: server}
	l.mu.Lock()
	j.lost = l.state.mute
	l.joints[j] = struct{}{}
	l.mu.Unlock()
	var back sync.WaitGroup
	back.Go(func() { l.carry(j, client, server) })
	l.carry(j, server, client)
	back.Wait()
	l.mu.Lock()
	delete(l.joints, j)
	l.mu.Unlock()
}

// carry passes on what comes from one end until either end is closed.
func (l *Line) carry(j *joint, to, from net.Conn) {
	defer j.reset()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		pass, lost, delay := l.pass(j, int64(n))
		if lost {
			continue
		}
		<-time.After(delay)
		if _, err := to.Write(buffer[:pass]); err != nil || pass < int64(n) {
			return
		}
	}
}

// pass tells how many of n bytes get through, and how late.
func (l *Line) pass(j *joint, n int64) (pass int64, lost bool, delay time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state.budget > 0 {
		pass = min(n, l.state.budget-j.carried)
		j.carried += pass
		return pass, false, 0
	}
	return n, j.lost, l.state.delay
}

// reset closes both ends, so that the program is told of a reset and not of an orderly end.
func (j *joint) reset() {
	_ = j.client.(*net.TCPConn).SetLinger(0)
	_ = j.client.Close()
	_ = j.server.Close()
}
