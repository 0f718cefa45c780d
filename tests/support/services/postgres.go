package services

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// postgresReadyLine is what the server writes when clients may connect.
	postgresReadyLine = "database system is ready to accept connections"
	// startTimeout bounds a start, with the recovery after a crash.
	startTimeout = 60 * time.Second
)

// Postgres is a private PostgreSQL server, reached through a Unix socket.
type Postgres struct {
	dir      string
	bin      string
	settings []string
	user     *syscall.Credential // nil: the one who runs the tests

	server *process // nil while it is down
}

// StartPostgres makes a database cluster and starts a server of the newest version installed. Settings are "name=value" pairs
// for postgresql.conf. The caller stops it.
func StartPostgres(settings ...string) (_ *Postgres, err error) {
	bin, err := postgresBinaries()
	if err != nil {
		return nil, err
	}
	p := &Postgres{bin: bin, settings: settings}
	if p.dir, p.user, err = privateFolder("licenseledger-postgres-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Stop())
		}
	}()
	initdb := p.command("initdb", "--pgdata", p.data(), "--username", "postgres", "--auth", "trust",
		"--encoding", "UTF8", "--no-locale", "--no-sync", "--no-instructions")
	if output, err := initdb.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w: %s", err, output)
	}
	return p, p.Start()
}

// URL is the connection string of the server's database. Query parameters may be added with &name=value.
func (p *Postgres) URL() string {
	return "postgres://postgres@/postgres?" + url.Values{"host": {p.dir}, "port": {"5432"}}.Encode()
}

// Start starts the server when it is down, and returns when it accepts connections.
func (p *Postgres) Start() error {
	deadline := time.Now().Add(startTimeout)
	for {
		retry, err := p.start(time.Until(deadline))
		if err == nil || !retry || time.Now().After(deadline) {
			return err
		}
	}
}

// start reports whether a failure is temporary: after a kill, the processes left over hold the shared memory until they notice.
func (p *Postgres) start(timeout time.Duration) (retry bool, err error) {
	arguments := []string{"-D", p.data(), "-k", p.dir, "-p", "5432", "-c", "listen_addresses=", "-c", "max_connections=200"}
	for _, s := range p.settings {
		arguments = append(arguments, "-c", s)
	}
	server, err := startProcess(p.command("postgres", arguments...), postgresReadyLine)
	if err != nil {
		return false, err
	}
	select {
	case <-server.ready:
		p.server = server
		return false, nil
	case <-server.ended:
		return strings.Contains(server.output(), "is still in use"), fmt.Errorf("postgres ended at its start: %s", server.output())
	case <-time.After(timeout):
		server.end(syscall.SIGKILL)
		return false, fmt.Errorf("postgres is not ready after %s: %s", timeout, server.output())
	}
}

// Kill ends the server as a crash does: its main process with SIGKILL, and the others as soon as they notice.
func (p *Postgres) Kill() { p.signal(syscall.SIGKILL) }

// ShutDownImmediately ends all processes of the server at once, without a checkpoint: the next start recovers.
func (p *Postgres) ShutDownImmediately() { p.signal(syscall.SIGQUIT) }

// Stop ends the server and removes its data.
func (p *Postgres) Stop() error {
	p.signal(syscall.SIGQUIT)
	// After a kill the processes left over may still be writing.
	for deadline := time.Now().Add(startTimeout); ; runtime.Gosched() {
		err := os.RemoveAll(p.dir)
		if err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

func (p *Postgres) signal(s syscall.Signal) {
	if p.server != nil {
		p.server.end(s)
		p.server = nil
	}
}

func (p *Postgres) data() string { return filepath.Join(p.dir, "data") }

// command is one of the server's programs, run by the unprivileged user.
func (p *Postgres) command(program string, arguments ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.Background(), filepath.Join(p.bin, program), arguments...) //nolint:gosec // a fixed program
	cmd.Dir = p.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.user, Pdeathsig: syscall.SIGQUIT}
	return cmd
}

// postgresBinaries is the folder of the newest version, as Debian installs them, or of the one in the path.
func postgresBinaries() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		path, err := exec.LookPath("postgres")
		if err != nil {
			return "", fmt.Errorf("PostgreSQL is not installed (make need-postgres): %w", err)
		}
		return filepath.Dir(path), nil
	}
	version := func(path string) float64 {
		v, _ := strconv.ParseFloat(filepath.Base(filepath.Dir(filepath.Dir(path))), 64)
		return v
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return int(10 * (version(a) - version(b))) })), nil
}
