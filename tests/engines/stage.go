package engines

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/licenseledger/licenseledger/tests/process"
)

// Stage is what a package of scenarios is played on: the program, and engines to keep its ledgers in.
type Stage struct {
	Binary  string
	Engines *Engines
}

// Tests is a [testing.M].
type Tests interface{ Run() int }

// Play sets the stage with what start starts, runs the tests, clears up and returns the exit code.
func (s *Stage) Play(tests Tests, start func() (*Engines, error)) int {
	code, err := s.play(tests, start)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func (s *Stage) play(tests Tests, start func() (*Engines, error)) (code int, err error) {
	dir, err := os.MkdirTemp("", "licenseledger-stage-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if s.Binary, err = process.Binary(context.Background(), dir); err != nil {
		return 1, err
	}
	if s.Engines, err = start(); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, s.Engines.Close()) }()
	return tests.Run(), nil
}
