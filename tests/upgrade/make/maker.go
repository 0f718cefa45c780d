package main

import (
	"compress/gzip"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/keyring" //nolint:depguard // no public command erases a person
	"github.com/licenseledger/licenseledger/tests/support/engines"
	"github.com/licenseledger/licenseledger/tests/support/process"
	"github.com/licenseledger/licenseledger/tests/upgrade"
)

// maker makes the fixture of one engine.
type maker struct {
	engine   string
	options  process.Options
	database string // of PostgreSQL; empty when everything is in files
	place    *engines.Engines
	to       string // the folder of the fixture
	dir      string // for what is not kept
}

func databaseOf(o process.Options) string {
	for _, variable := range o.Env {
		if location, found := strings.CutPrefix(variable, "LICENSELEDGER_EVENTSTORE="); found {
			return location
		}
	}
	return ""
}

// make runs the scenario, erases a person, leaves a lease that is live when the server stops, keeps the result, and records what the
// same program answers when it opens a copy after that lease has run out.
func (m *maker) make(ctx context.Context) error {
	var p *recorder
	if err := m.serving(m.options, func(c *upgrade.Client) (err error) {
		p, err = recordScenario(ctx, c)
		return err
	}); err != nil {
		return err
	}
	if err := m.erase(ctx, p.erased); err != nil {
		return err
	}
	if err := m.serving(m.options, func(c *upgrade.Client) error { return p.finish(ctx, c) }); err != nil {
		return err
	}
	if err := m.keep(ctx); err != nil {
		return err
	}
	wait := time.NewTimer(time.Until(p.leaseEnds.Add(time.Second)))
	defer wait.Stop()
	<-wait.C
	copied := process.Options{Binary: m.options.Binary, DataDir: filepath.Join(m.dir, "copy")}
	if err := upgrade.Open(ctx, m.to, m.place, &copied); err != nil {
		return err
	}
	return m.serving(copied, func(c *upgrade.Client) error {
		answers, err := p.record(ctx, c)
		if err != nil {
			return err
		}
		return answers.Write(m.to)
	})
}

// serving runs a server while do speaks to it.
func (*maker) serving(o process.Options, do func(*upgrade.Client) error) error {
	server, err := process.Start(o)
	if err != nil {
		return err
	}
	client, err := upgrade.Connect(server, o.DataDir)
	if err == nil {
		err = do(client)
	}
	return errors.Join(err, server.Stop())
}

// erase forgets a person, as the key ring of the program does it.
func (m *maker) erase(ctx context.Context, subject uuid.UUID) (err error) {
	var db *keyring.Database
	if m.database == "" {
		db, err = keyring.OpenSQLite(ctx, filepath.Join(m.options.DataDir, "keys.db"))
	} else {
		db, err = keyring.OpenPostgres(ctx, m.database)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	master, err := keyring.LoadOrCreateMasterKey(ctx, filepath.Join(m.options.DataDir, "master.key"), db)
	if err != nil {
		return err
	}
	ring, err := keyring.Open(ctx, keyring.Config{DB: db, Master: master, Random: rand.Reader, Now: time.Now})
	if err != nil {
		return err
	}
	return ring.EraseSubject(ctx, subject)
}

// keep writes the data directory and the database, as a clean stop has left them, to the folder of the fixture.
func (m *maker) keep(ctx context.Context) error {
	if err := upgrade.Pack(m.options.DataDir, filepath.Join(m.to, upgrade.DataFile)); err != nil {
		return err
	}
	if m.database == "" {
		return nil
	}
	command := exec.CommandContext(ctx, "pg_dump", "--no-owner", "--no-privileges", //nolint:gosec // the database is ours
		"--inserts", "--rows-per-insert=100", "--dbname", m.database)
	command.Stderr = os.Stderr
	dump, err := command.Output()
	if err != nil {
		return fmt.Errorf("dump the database: %w", err)
	}
	return compress(filepath.Join(m.to, upgrade.DumpFile), notForEveryServer.ReplaceAll(dump, nil))
}

// notForEveryServer is what only psql or newer servers understand.
var notForEveryServer = regexp.MustCompile(`(?m)^(\\(un)?restrict .*|SET transaction_timeout = .*)\n`)

func compress(path string, text []byte) (err error) {
	file, err := os.Create(path) //nolint:gosec // the folder is ours
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	compressed, err := gzip.NewWriterLevel(file, gzip.BestCompression)
	if err != nil {
		return err
	}
	_, err = compressed.Write(text)
	return errors.Join(err, compressed.Close())
}
