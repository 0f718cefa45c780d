package doctor

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// typesLimit bounds a scan of all events.
const typesLimit = 5 * time.Second

// examineTypes checks for types of events that this version does not know. The tables exist.
func (d *examination) examineTypes(ctx context.Context, c config.Config) {
	const check = "eventstore: types of events"
	if c.EventStore.Engine.OpenTables == nil {
		return // without tables there is no list of types; the projections stop at an unknown one
	}
	ctx, cancel := context.WithTimeout(ctx, typesLimit)
	defer cancel()
	unknown, err := unknownTypes(ctx, c, domain.Events())
	switch {
	case ctx.Err() != nil:
		d.Warn(check, fmt.Sprintf("the ledger is too large to read every event within %s", typesLimit),
			"`licenseledger ledger verify` reads every event")
	case err != nil:
		d.Fail(check, err.Error(), "`licenseledger ledger verify` says more")
	case len(unknown) > 0:
		d.Fail(check, "a newer version of the program wrote events that this one does not know: "+strings.Join(unknown, ", ")+
			"; what depends on them is refused with NEWER_LEDGER", hint.NewerVersion)
	default:
		d.OK(check, "this version knows all of them")
	}
}

// unknownTypes describes the types in the ledger that are not registered.
func unknownTypes(ctx context.Context, c config.Config, events *event.Registry) (unknown []string, err error) {
	err = readRows(ctx, c, c.EventStore, `SELECT type, MIN(position), COUNT(*) FROM events GROUP BY type ORDER BY 2`,
		func(rows *sql.Rows) error {
			var t event.Type
			var first, count uint64
			if err := rows.Scan(&t, &first, &count); err != nil {
				return err
			}
			if _, known := events.Newest(t); !known {
				unknown = append(unknown, fmt.Sprintf("%s (%d, from position %d)", t, count, first))
			}
			return nil
		})
	return unknown, err
}

// examineProjections checks for projections that stopped. The tables exist.
func (d *examination) examineProjections(ctx context.Context, c config.Config) {
	const check = "readmodels: projections"
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	var names []string
	var stopped bool
	err := readRows(ctx, c, c.ReadModels, `SELECT name, position, state, error FROM projections WHERE serving = 1 ORDER BY name`,
		func(rows *sql.Rows) error {
			var name, state, problem string
			var position uint64
			if err := rows.Scan(&name, &position, &state, &problem); err != nil {
				return err
			}
			names = append(names, name)
			if state == store.StateFailed {
				stopped = true
				d.Fail(check, fmt.Sprintf("%s stopped at position %d: %s", name, position, problem),
					"start a version of the program that can project the event: the projection continues by itself")
			}
			return nil
		})
	switch {
	case err != nil:
		d.Fail(check, err.Error(), c.ReadModels.Engine.TablesHint)
	case !stopped:
		slices.Sort(names)
		d.OK(check, "none has stopped: "+strings.Join(names, ", "))
	}
}

// readRows calls each for every row of a query.
func readRows(ctx context.Context, c config.Config, at engine.Endpoint, query string, each func(*sql.Rows) error) (err error) {
	db, err := at.Engine.OpenTables(at, c.DataDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
