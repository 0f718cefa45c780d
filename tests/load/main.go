// Command load measures a running server over HTTP, on loopback, and prints a table with the raw limits of the same machine
// beside it. It shares the processors with the server it measures, so it does as little as it can.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/licenseledger/licenseledger/tests/support/engines"
	"github.com/licenseledger/licenseledger/tests/support/process"
)

// settings say what is measured.
type settings struct {
	binary   string
	duration time.Duration // of each measurement
	clients  int           // connections, each with one request under way
	events   uint64        // in the ledger that is rebuilt
	json     bool
	raw      bool // run as the server whose limit is measured
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string, out, progress io.Writer) error {
	var s settings
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.SetOutput(progress)
	flags.StringVar(&s.binary, "binary", "", "the program to measure; built when not given")
	flags.DurationVar(&s.duration, "duration", 10*time.Second, "length of each measurement")
	flags.IntVar(&s.clients, "clients", 64, "connections, each with one request under way")
	flags.Uint64Var(&s.events, "events", 1_000_000, "events in the ledger whose projections are rebuilt; 0: do not rebuild")
	flags.BoolVar(&s.json, "json", false, "print JSON instead of a table")
	flags.BoolVar(&s.raw, "raw", false, "be the bare server that shows the limit of HTTP and JSON alone")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if s.raw {
		return serveRaw(ctx, out)
	}
	if s.clients < 1 || s.duration <= 0 {
		return errors.New("-clients and -duration must be greater than 0")
	}
	r, err := measure(ctx, s, progress)
	if err != nil {
		return err
	}
	return r.print(out, s.json)
}

// measure takes all measurements, the raw limits right beside what they are the limits of.
func measure(ctx context.Context, s settings, progress io.Writer) (r report, err error) {
	dir, err := os.MkdirTemp("", "licenseledger-load-")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if s.binary == "" {
		s.binary, err = process.Binary(ctx, dir)
	} else {
		s.binary, err = filepath.Abs(s.binary)
	}
	if err != nil {
		return r, err
	}
	chosen, err := engines.Chosen()
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, chosen.Close()) }()
	if s.events > 0 && chosen.ReadModels != engines.SQLite {
		return r, errors.New("rebuilds are measured with read models in SQLite: give -events 0")
	}
	r = report{Engines: chosen.Events + "+" + chosen.ReadModels, Clients: s.clients, Seconds: s.duration.Seconds(), Machine: machine(),
		Go: runtime.Version(), At: time.Now().UTC(), Events: s.events}
	if r.RawAppends, err = rawAppends(ctx, chosen.Events, s.duration, progress); err != nil {
		return r, err
	}
	if r.RawHTTP, err = rawHTTP(ctx, s, progress); err != nil {
		return r, err
	}
	options := process.Options{Binary: s.binary, DataDir: filepath.Join(dir, "data"), Env: []string{"LICENSELEDGER_LOG_LEVEL=warn"}}
	if err := chosen.NewLedger(ctx, &options); err != nil {
		return r, err
	}
	server, err := process.Start(options)
	if err != nil {
		return r, err
	}
	defer server.Kill()
	l, err := newLoad(ctx, s, options, server, progress)
	if err != nil {
		return r, err
	}
	if r.Activations, err = l.activate(ctx); err != nil {
		return r, err
	}
	if r.ActivationsAtOne, err = l.activateAtOne(ctx); err != nil {
		return r, err
	}
	if r.Validations, err = l.validate(ctx); err != nil {
		return r, err
	}
	if r.ValidationsAtOne, err = l.validateAtOne(ctx); err != nil {
		return r, err
	}
	r.MachinesAtOne = l.siteActivated.Load()
	if s.events > 0 {
		if err := l.fill(ctx); err != nil {
			return r, err
		}
	}
	if err := server.Stop(); err != nil {
		return r, err
	}
	if s.events > 0 {
		r.Rebuilds, err = rebuild(ctx, options, progress)
	}
	return r, err
}
