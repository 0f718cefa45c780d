package process

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"regexp"
	"syscall"
	"time"
)

const (
	startLimit = 30 * time.Second // from the start to the first "ready"
	stopLimit  = 30 * time.Second // from SIGTERM to the end
	pollEvery  = 5 * time.Millisecond
)

// Process is a running server.
type Process struct {
	command  *exec.Cmd
	out, err *output
	exited   chan struct{} // closed when the process has ended
	url      string
	ready    time.Duration
}

// Start starts a server and waits until it is ready.
func Start(o Options) (*Process, error) {
	command := exec.Command(o.Binary, o.serve()...) //nolint:gosec,noctx // the program under test; Stop ends it
	p := &Process{command: command, out: newOutput(), err: newOutput(), exited: make(chan struct{})}
	p.command.Env, p.command.Stdout, p.command.Stderr = o.environment(), p.out, p.err
	began := time.Now()
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	go func() {
		_ = p.command.Wait() // ExitCode tells how it ended
		close(p.exited)
	}()
	if err := p.await(); err != nil {
		p.Kill()
		return nil, fmt.Errorf("start the server: %w\n%s%s", err, p.out, p.err)
	}
	p.ready = time.Since(began)
	return p, nil
}

// metricsLine is how the server says where it listens, whatever its role.
var metricsLine = regexp.MustCompile(`(?m)^\s*Metrics\s+(http://\S+)/metrics\s*$`)

func (p *Process) await() error {
	deadline := time.NewTimer(startLimit)
	defer deadline.Stop()
	for p.url == "" {
		written := p.out.written()
		if found := metricsLine.FindStringSubmatch(p.out.String()); found != nil {
			p.url = found[1]
			break
		}
		select {
		case <-written:
		case <-p.exited:
			return fmt.Errorf("it ended with exit code %d", p.ExitCode())
		case <-deadline.C:
			return errors.New("it does not say where it listens")
		}
	}
	poll := time.NewTicker(pollEvery)
	defer poll.Stop()
	for {
		if p.answersReady() {
			return nil
		}
		select {
		case <-poll.C:
		case <-p.exited:
			return fmt.Errorf("it ended with exit code %d", p.ExitCode())
		case <-deadline.C:
			return errors.New("it does not become ready")
		}
	}
}

func (p *Process) answersReady() bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/healthz/ready", http.NoBody)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	return response.Body.Close() == nil && response.StatusCode == http.StatusOK
}

// URL is where the server listens, such as http://127.0.0.1:40123.
func (p *Process) URL() string { return p.url }

// PID is the number by which the operating system knows the process.
func (p *Process) PID() int { return p.command.Process.Pid }

// ReadyAfter is how long the server took from its start to being ready.
func (p *Process) ReadyAfter() time.Duration { return p.ready }

// Output is what the server wrote for people, to standard output.
func (p *Process) Output() string { return p.out.String() }

// Log is what the server logged, to standard error.
func (p *Process) Log() string { return p.err.String() }

// Exited is closed when the process has ended.
func (p *Process) Exited() <-chan struct{} { return p.exited }

// ExitCode is how the process ended; -1 while it runs, and when a signal ended it.
func (p *Process) ExitCode() int {
	select {
	case <-p.exited:
		return p.command.ProcessState.ExitCode()
	default:
		return -1
	}
}

// Terminate asks the process to end and does not wait.
func (p *Process) Terminate() { _ = p.command.Process.Signal(syscall.SIGTERM) }

// Kill ends the process at once, as a crash would, and waits until it is gone.
func (p *Process) Kill() {
	_ = p.command.Process.Kill() // it may have ended by itself
	<-p.exited
}

// Stop asks the process to end and waits for it. A process that does not end properly is an error.
func (p *Process) Stop() error {
	p.Terminate()
	select {
	case <-p.exited:
	case <-time.After(stopLimit):
		p.Kill()
		return fmt.Errorf("the server did not stop within %s\n%s", stopLimit, p.err)
	}
	if code := p.ExitCode(); code != 0 {
		return fmt.Errorf("the server stopped with exit code %d\n%s", code, p.err)
	}
	return nil
}
