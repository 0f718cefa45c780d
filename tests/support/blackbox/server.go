package blackbox

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/tests/support/process"
)

// Server is a running server together with what is needed to speak to it and to start it again.
type Server struct {
	*process.Process
	Options  process.Options
	Contract *Contract // nil: answers are not checked
	Coverage *Coverage // may be nil

	adminKey string
	http     *http.Client
	head     atomic.Uint64 // a position that the ledger has reached
}

// requestLimit bounds how long an answer may take.
const requestLimit = time.Minute

// Launch starts a server.
func Launch(o process.Options, contract *Contract, coverage *Coverage) (*Server, error) {
	running, err := process.Start(o)
	if err != nil {
		return nil, err
	}
	key := o.AdminKey
	if key == "" {
		text, err := os.ReadFile(filepath.Join(o.DataDir, "admin.key"))
		if err != nil {
			running.Kill()
			return nil, fmt.Errorf("read the admin key: %w", err)
		}
		key = strings.TrimSpace(string(text))
	}
	return &Server{
		Process: running, Options: o, Contract: contract, Coverage: coverage, adminKey: key,
		http: &http.Client{Timeout: requestLimit, Transport: &http.Transport{MaxIdleConnsPerHost: 128, DisableCompression: true}},
	}, nil
}

// AdminKey is the key that operators send.
func (s *Server) AdminKey() string { return s.adminKey }

// Restart starts the server again on the same data, after it was killed or stopped.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	running, err := process.Start(s.Options)
	require.NoError(t, err)
	s.Process = running
	s.http.CloseIdleConnections()
	t.Cleanup(running.Kill)
}

// MustStop stops the server and requires it to end properly.
func (s *Server) MustStop(t testing.TB) {
	t.Helper()
	require.NoError(t, s.Stop())
}

// Command runs a command line on the server's data.
func (s *Server) Command(t testing.TB, arguments ...string) process.Ran {
	t.Helper()
	ran, err := s.Options.Command(t.Context(), arguments...)
	require.NoError(t, err)
	return ran
}

// Admin returns a client that sends the admin key.
func (s *Server) Admin(t testing.TB) Client {
	return s.Anyone(t).With("Authorization", "Bearer "+s.adminKey)
}

// Anyone returns a client without a credential, as machines are.
func (s *Server) Anyone(t testing.TB) Client { return Client{t: t, server: s, header: http.Header{}} }
