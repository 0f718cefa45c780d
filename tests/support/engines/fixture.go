package engines

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/licenseledger/licenseledger/tests/support/process"
)

// Fixture is what a package of scenarios shares: the program, and the engines that hold its ledgers.
type Fixture struct {
	Binary  string
	Engines *Engines
}

// Tests is a [testing.M].
type Tests interface{ Run() int }

// Run builds the program, calls start for the engines, runs the tests, cleans up and returns the exit code.
func (f *Fixture) Run(tests Tests, start func() (*Engines, error)) int {
	code, err := f.run(tests, start)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func (f *Fixture) run(tests Tests, start func() (*Engines, error)) (code int, err error) {
	dir, err := os.MkdirTemp("", "licenseledger-fixture-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if f.Binary, err = process.Binary(context.Background(), dir); err != nil {
		return 1, err
	}
	if f.Engines, err = start(); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, f.Engines.Close()) }()
	return tests.Run(), nil
}
