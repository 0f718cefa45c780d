package services

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// maxLog bounds what is kept of a server's log, in bytes.
const maxLog = 64 << 10

// process is a server's main process.
type process struct {
	pid   int
	ready chan struct{} // closed when it accepts connections
	ended chan struct{} // closed when it has ended
	heard chan struct{} // closed when all that it and its children wrote has been read

	mu  sync.Mutex
	log bytes.Buffer
}

// startProcess starts cmd, which gets its Pdeathsig at once when this process ends, and follows what it writes: a line with
// readyLine says that it accepts connections.
func startProcess(cmd *exec.Cmd, readyLine string) (*process, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = write, write
	p := &process{ready: make(chan struct{}), ended: make(chan struct{}), heard: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel sends Pdeathsig when the thread that started the process ends, so that thread waits for it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		_ = write.Close()
		started <- err
		if err == nil {
			_ = cmd.Wait()
			close(p.ended)
		}
	}()
	if err := <-started; err != nil {
		_ = read.Close()
		return nil, err
	}
	p.pid = cmd.Process.Pid
	go p.follow(read, readyLine)
	return p, nil
}

// follow keeps the beginning of what the server writes, and reads the rest so that the server is not held up.
func (p *process) follow(output io.ReadCloser, readyLine string) {
	defer close(p.heard)
	defer func() { _ = output.Close() }()
	lines := bufio.NewReader(output)
	isReady := false
	for {
		line, err := lines.ReadString('\n')
		p.mu.Lock()
		if p.log.Len() < maxLog {
			p.log.WriteString(line)
		}
		p.mu.Unlock()
		if !isReady && strings.Contains(line, readyLine) {
			isReady = true
			close(p.ready)
		}
		if err != nil {
			return
		}
	}
}

// output is what the server has written. What it wrote last is read soon after it ended, unless its children keep the pipe open.
func (p *process) output() string {
	select {
	case <-p.heard:
	case <-time.After(time.Second):
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

func (p *process) end(s syscall.Signal) {
	_ = syscall.Kill(p.pid, s)
	<-p.ended
}
