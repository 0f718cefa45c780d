// Make runs a long scenario against a given binary and keeps what the binary wrote, and what it answered, as a fixture:
//
//	go run ./tests/upgrade/make -binary PATH -version NAME
//
// It writes tests/upgrade/testdata/NAME/sqlite and .../postgres. A fixture is made once, with the binary of the version it is named
// for, and never changes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/licenseledger/licenseledger/tests/support/engines"
	"github.com/licenseledger/licenseledger/tests/support/process"
)

func main() {
	binary := flag.String("binary", "", "the program that writes the fixture")
	version := flag.String("version", "", "the name of the fixture: the commit or release of the program")
	flag.Parse()
	if err := run(context.Background(), *binary, *version); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, binary, version string) error {
	if binary == "" || version == "" {
		return errors.New("both -binary and -version are needed")
	}
	binary, err := filepath.Abs(binary)
	if err != nil {
		return err
	}
	for _, engine := range []string{engines.SQLite, engines.PostgreSQL} {
		to := filepath.Join(process.Repository(), "tests", "upgrade", "testdata", version, engine)
		if err := fixture(ctx, binary, engine, to); err != nil {
			return fmt.Errorf("%s: %w", engine, err)
		}
	}
	return nil
}

func fixture(ctx context.Context, binary, engine, to string) (err error) {
	place, err := engines.StartPrivate(engine, engine)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, place.Close()) }()
	dir, err := os.MkdirTemp("", "licenseledger-fixture-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.MkdirAll(to, 0o750); err != nil {
		return err
	}
	options := process.Options{Binary: binary, DataDir: filepath.Join(dir, "data")}
	if err := place.NewLedger(ctx, &options); err != nil {
		return err
	}
	m := &maker{engine: engine, options: options, database: databaseOf(options), place: place, to: to, dir: dir}
	return m.make(ctx)
}
