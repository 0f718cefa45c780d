package process

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"time"
)

// commandLimit bounds how long a command line may take.
const commandLimit = 30 * time.Minute

// Ran is a command line that has run.
type Ran struct {
	Out, Err string
	Code     int
}

// Command runs the program with the arguments and the options' flags and waits for it. The error says that it could not be
// run; that it failed is in its exit code.
func (o Options) Command(ctx context.Context, arguments ...string) (Ran, error) {
	return o.Plain(ctx, append(arguments, o.flags()...)...)
}

// Plain runs the program with the arguments only.
func (o Options) Plain(ctx context.Context, arguments ...string) (Ran, error) {
	ctx, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()
	command := exec.CommandContext(ctx, o.Binary, arguments...) //nolint:gosec // the program under test
	var out, err bytes.Buffer
	command.Env, command.Stdout, command.Stderr = o.environment(), &out, &err
	failed := command.Run()
	var exit *exec.ExitError
	if failed != nil && !errors.As(failed, &exit) {
		return Ran{}, failed
	}
	return Ran{Out: out.String(), Err: err.String(), Code: command.ProcessState.ExitCode()}, ctx.Err()
}
