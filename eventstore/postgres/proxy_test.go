package postgres_test

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"
)

// proxy stands between a store and its server.
type proxy struct {
	url      string
	upstream string // what net.Dial takes
	network  string
	lose     atomic.Bool
	hush     atomic.Bool
	hushed   chan struct{} // closed when hush has happened

	mu    sync.Mutex
	conns []net.Conn
}

func startProxy(t testing.TB, url string) *proxy {
	t.Helper()
	config, err := pgconn.ParseConfig(url)
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "wire-") // a socket's path is short
	require.NoError(t, err)
	listener, err := net.Listen("unix", filepath.Join(dir, ".s.PGSQL.5432"))
	require.NoError(t, err)
	p := &proxy{url: with(t, with(t, url, "host", dir), "port", "5432"), hushed: make(chan struct{})}
	p.network, p.upstream = pgconn.NetworkAddress(config.Host, config.Port)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { p.serve(client) })
		}
	})
	t.Cleanup(func() {
		require.NoError(t, listener.Close())
		p.cut()
		serving.Wait()
		require.NoError(t, os.RemoveAll(dir))
	})
	return p
}

// loseNextCommit cuts the next connection on which the server acknowledges a commit, before the acknowledgement.
func (p *proxy) loseNextCommit() { p.lose.Store(true) }

// hushNextBatch lets the client hear nothing more on the next connection that locks the ledger; hushed is closed then.
func (p *proxy) hushNextBatch() (hushed <-chan struct{}) {
	p.hush.Store(true)
	return p.hushed
}

// cut breaks all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range p.conns {
		_ = conn.Close()
	}
}

func (p *proxy) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	upstream, err := net.Dial(p.network, p.upstream)
	if err != nil {
		return
	}
	defer func() { _ = upstream.Close() }()
	p.mu.Lock()
	p.conns = append(p.conns, client, upstream)
	p.mu.Unlock()
	var asking sync.WaitGroup
	asking.Go(func() {
		_, _ = io.Copy(upstream, client)
		_ = upstream.Close()
	})
	p.answer(client, upstream)
	_ = client.Close()
	asking.Wait()
}

func (p *proxy) answer(client, upstream net.Conn) {
	buffer, hushed := make([]byte, 64<<10), false
	for {
		n, err := upstream.Read(buffer)
		if err != nil {
			return
		}
		if bytes.Contains(buffer[:n], []byte("COMMIT\x00")) && p.lose.CompareAndSwap(true, false) {
			return
		}
		// The answer to a batch's first half begins with that to BEGIN.
		if bytes.Contains(buffer[:n], []byte("BEGIN\x00")) && p.hush.CompareAndSwap(true, false) {
			hushed = true
			close(p.hushed)
		}
		if hushed {
			continue
		}
		if _, err := client.Write(buffer[:n]); err != nil {
			return
		}
	}
}
