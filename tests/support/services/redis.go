package services

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// redisReadyLine is what the server writes when clients may connect.
const redisReadyLine = "Ready to accept connections"

// Redis is a private Redis server on a port of the loopback, with a password, which keeps nothing on disk.
type Redis struct {
	dir      string
	bin      string
	port     int
	password string
	user     *syscall.Credential // nil: the one who runs the tests
	settings func(port int) (lines string, err error)
	sentinel bool

	server *process // nil while it is down
}

// StartRedis starts a server. The caller stops it.
func StartRedis() (*Redis, error) {
	return startRedis(&Redis{password: rand.Text(), settings: func(int) (string, error) { return "save \"\"\nappendonly no\n", nil }})
}

func startRedis(r *Redis) (_ *Redis, err error) {
	bin, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, fmt.Errorf("redis is not installed (make need-redis): %w", err)
	}
	r.bin = bin
	if r.dir, r.user, err = privateFolder("licenseledger-redis-"); err != nil {
		return nil, err
	}
	// Somebody else may take the port before the server does.
	for range 5 {
		if r.port, err = freePort(); err != nil {
			break
		}
		if err = r.Start(); err == nil {
			return r, nil
		}
	}
	return nil, errors.Join(err, r.Stop())
}

// URL is the connection string of the server's first database, with the password.
func (r *Redis) URL() string { return fmt.Sprintf("redis://:%s@127.0.0.1:%d/0", r.password, r.port) }

// Start starts the server when it is down, empty and at the same place, and returns when it accepts connections.
func (r *Redis) Start() error {
	settings, err := r.settings(r.port)
	if err != nil {
		return err
	}
	// A file, because a sentinel keeps what it learns in it; the password must not be among the arguments.
	config := filepath.Join(r.dir, "redis.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, "bind 127.0.0.1\nport %d\nrequirepass %s\ndir %s\n%s", r.port, r.password, r.dir,
		settings), 0o600); err != nil {
		return err
	}
	if r.user != nil {
		if err := os.Chown(config, int(r.user.Uid), int(r.user.Gid)); err != nil {
			return err
		}
	}
	arguments, ready := []string{config}, redisReadyLine
	if r.sentinel {
		arguments, ready = append(arguments, "--sentinel"), sentinelReadyLine
	}
	cmd := exec.CommandContext(context.Background(), r.bin, arguments...) //nolint:gosec // a fixed program
	cmd.Dir = r.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C"}
	// A paused process heeds no other signal.
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: r.user, Pdeathsig: syscall.SIGKILL}
	server, err := startProcess(cmd, ready)
	if err != nil {
		return err
	}
	select {
	case <-server.ready:
		r.server = server
		return nil
	case <-server.ended:
		return fmt.Errorf("redis ended at its start: %s", server.output())
	case <-time.After(startTimeout):
		server.end(syscall.SIGKILL)
		return fmt.Errorf("redis is not ready after %s: %s", startTimeout, server.output())
	}
}

// Kill ends the server as a crash does; what it held is lost.
func (r *Redis) Kill() {
	if r.server != nil {
		r.server.end(syscall.SIGKILL)
		r.server = nil
	}
}

// Pause makes the server fall silent, with its connections open, until Resume.
func (r *Redis) Pause() error {
	if err := syscall.Kill(r.server.pid, syscall.SIGSTOP); err != nil {
		return err
	}
	for {
		// It may answer for a moment after the signal was sent.
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.server.pid))
		if err != nil {
			return err
		}
		// The state follows the program's name, which is in parentheses: proc(5).
		if _, after, _ := strings.Cut(string(stat), ") "); strings.HasPrefix(after, "T") {
			return nil
		}
	}
}

// Resume ends a pause.
func (r *Redis) Resume() error { return syscall.Kill(r.server.pid, syscall.SIGCONT) }

// Stop ends the server.
func (r *Redis) Stop() error {
	r.Kill()
	return os.RemoveAll(r.dir)
}

// freePort is a port of the loopback that nobody listens on.
func freePort() (int, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}
