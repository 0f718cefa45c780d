package server

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/disk"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/httpapi/health"
	"github.com/licenseledger/licenseledger/projections/runtime"
)

// checks are the parts of readiness. Without the essential ones nothing can be served; a failure of another one degrades the server.
func (s *Server) checks() []health.Check {
	checks := []health.Check{
		{Name: "ledger", Essential: true, Do: s.ledger.available},
		{Name: "keys", Essential: true, Do: s.backends.Keys.Ping},
		{Name: "readmodels", Do: s.backends.ReadModels.Ping},
		{Name: "ledger_writes", Do: func(context.Context) error { return s.ledger.writable() }},
		{Name: "key_writes", Do: s.keysWritable},
		{Name: "clock", Do: s.clockTrusted},
		{Name: "events", Do: func(context.Context) error { return knownEvents(s.handler.UnknownEvent()) }},
	}
	checks = append(checks, health.Check{Name: "background", Do: s.backgroundWorks})
	if folders := foldersOfFiles(s.config.Settings); len(folders) > 0 {
		checks = append(checks, health.Check{Name: "disk", Do: func(context.Context) error { return freeSpace(folders) }})
	}
	for _, name := range s.projections.runner.Names() {
		checks = append(checks, health.Check{Name: "projection_" + name, Do: func(ctx context.Context) error {
			return standing(name, s.projections.runner.Health(ctx, name))
		}})
	}
	return checks
}

func (s *Server) backgroundWorks(ctx context.Context) error {
	if err := s.services.Health(ctx); err != nil {
		return health.Because("a background service does not work, so restart this instance: %s", err)
	}
	return nil
}

func (s *Server) keysWritable(ctx context.Context) error {
	if err := s.backends.Keys.Writable(ctx); err != nil {
		return fmt.Errorf("%w: %w", health.Because("keys cannot be stored, so licences for new customers are refused; free disk "+
			"space, or check the database"), err)
	}
	return nil
}

func (s *Server) clockTrusted(ctx context.Context) error {
	if err := s.clock.Check(ctx); err != nil {
		return fmt.Errorf("%w: %w", health.Because("the clock is not trusted, so no expiry is recorded; `licenseledger doctor` compares it "+
			"with the ledger"), err)
	}
	return nil
}

// knownEvents returns an error if there is an event that this version does not know.
func knownEvents(newer *event.UnknownTypeError) error {
	if newer == nil {
		return nil
	}
	return health.Because("a newer version of the program wrote %s at position %d; what depends on such events is refused with "+
		"NEWER_LEDGER until this instance is upgraded",
		newer.Type, newer.Position)
}

// standing says why a projection is not up to date.
func standing(name string, err error) error {
	var newer *event.UnknownTypeError
	switch {
	case errors.As(err, &newer):
		return health.Because("it stopped before position %d, since a newer version of the program wrote %s; upgrade this instance",
			newer.Position, newer.Type)
	case errors.Is(err, runtime.ErrFailed):
		return health.Because("it stopped before an event that it cannot project; GET /v1/projections names the event")
	case errors.Is(err, runtime.ErrNotWriting):
		return health.Because("its rows cannot be written; it tries again, and the log says why")
	case errors.Is(err, runtime.ErrNewerTables):
		return health.Because("a newer version of the program filled its tables, and no instance continues them; start one, or run "+
			"`licenseledger projections rebuild %s`", name)
	default:
		return err
	}
}

// minFreeSpace is how much of a disk must be free, in bytes. SQLite's write-ahead log grows to some megabytes before it is reused.
const minFreeSpace = 64 << 20

// foldersOfFiles are the folders of database files.
func foldersOfFiles(settings backends.Settings) []string {
	var folders []string
	for _, file := range settings.Files() {
		folders = append(folders, filepath.Dir(file.Path))
	}
	slices.Sort(folders)
	return slices.Compact(folders)
}

// freeSpace returns an error if a disk of one of the folders is nearly full.
func freeSpace(folders []string) error {
	for _, folder := range folders {
		free, err := disk.Free(folder)
		if err != nil {
			return err
		}
		if free < minFreeSpace {
			return health.Because("only %d MiB are free on a disk that holds the ledger, the keys or the read models; free some space: a full "+
				"disk stops all changes", free>>20)
		}
	}
	return nil
}
