package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/licenseledger/licenseledger/commands"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/httpapi/health"
	"github.com/licenseledger/licenseledger/projections/runtime"
)

// checks are what readiness is made of. Without the essential parts nothing can be served; a failure of another one degrades the server.
// A further part is a further entry.
func (s *server) checks(handler *commands.Handler, ledger *watchedLedger) []health.Check {
	checks := []health.Check{
		{Name: "ledger", Essential: true, Do: func(ctx context.Context) error {
			_, err := s.stores.events.Head(ctx)
			return err
		}},
		{Name: "keys", Essential: true, Do: s.stores.keys.Ping},
		{Name: "readmodels", Do: s.stores.readModels.Ping},
		{Name: "ledger_writes", Do: func(context.Context) error { return ledger.writable() }},
		{Name: "key_writes", Do: s.keysWritable},
		{Name: "clock", Do: s.clockTrusted},
		{Name: "events", Do: func(context.Context) error { return knownEvents(handler.UnknownEvent()) }},
	}
	if folders := s.config.foldersOfFiles(); len(folders) > 0 {
		checks = append(checks, health.Check{Name: "disk", Do: func(context.Context) error { return room(folders) }})
	}
	for _, name := range s.projections.Names() {
		checks = append(checks, health.Check{Name: "projection_" + name, Do: func(ctx context.Context) error {
			return standing(name, s.projections.Health(ctx, name))
		}})
	}
	return checks
}

func (s *server) keysWritable(ctx context.Context) error {
	if err := s.stores.keys.Writable(ctx); err != nil {
		return fmt.Errorf("%w: %w", health.Because("keys cannot be stored, so licences for new customers are refused; make room on the disk, or look at the database"), err)
	}
	return nil
}

func (s *server) clockTrusted(ctx context.Context) error {
	if err := s.clock.Check(ctx); err != nil {
		return fmt.Errorf("%w: %w", health.Because("the clock is not trusted, so no expiry is recorded; `licenseledger doctor` compares it with the ledger"), err)
	}
	return nil
}

// knownEvents tells about an event that this version does not know.
func knownEvents(newer *event.UnknownTypeError) error {
	if newer == nil {
		return nil
	}
	return health.Because("a newer version of the program wrote %s at position %d; what depends on such events is refused with NEWER_LEDGER until this instance is upgraded",
		newer.Type, newer.Position)
}

// standing tells why a projection does not follow the ledger.
func standing(name string, err error) error {
	var newer *event.UnknownTypeError
	switch {
	case errors.As(err, &newer):
		return health.Because("it stopped before position %d, since a newer version of the program wrote %s; upgrade this instance", newer.Position, newer.Type)
	case errors.Is(err, runtime.ErrFailed):
		return health.Because("it stopped before an event that it cannot project; GET /v1/projections names the event")
	case errors.Is(err, runtime.ErrNotWriting):
		return health.Because("its rows cannot be written; it tries again, and the log says why")
	case errors.Is(err, runtime.ErrNewerTables):
		return health.Because("a newer version of the program filled its tables, and no instance continues them; start one, or run `licenseledger projections rebuild %s`", name)
	default:
		return err
	}
}

// leastRoom is how much of a disk must be free, in bytes. SQLite's log of changes grows to some megabytes before it is used again.
const leastRoom = 64 << 20

// foldersOfFiles are the folders of what is kept in files.
func (c config) foldersOfFiles() []string {
	var folders []string
	for _, l := range []location{c.EventStore, c.ReadModels, c.Keys} {
		if !l.shared() {
			folders = append(folders, filepath.Dir(l.file(c.DataDir)))
		}
	}
	slices.Sort(folders)
	return slices.Compact(folders)
}

// room reports whether the disks of some folders have room for files to grow.
func room(folders []string) error {
	for _, folder := range folders {
		free, err := freeSpace(folder)
		if err != nil {
			return err
		}
		if free < leastRoom {
			return health.Because("only %d MiB are free on a disk that holds the ledger, the keys or the read models; make room: a full disk stops all changes", free>>20)
		}
	}
	return nil
}

// freeSpace returns how many bytes may still be written to the disk of a folder.
func freeSpace(folder string) (uint64, error) {
	var system syscall.Statfs_t
	if err := syscall.Statfs(folder, &system); err != nil {
		return 0, err
	}
	return uint64(system.Bavail) * uint64(system.Bsize), nil //nolint:unconvert // the types differ between operating systems
}
