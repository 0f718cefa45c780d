package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/readmodels"
)

// adviceOnNewer is what to do about what a newer version of the program wrote.
const adviceOnNewer = "use the version of the program that wrote it, or a later one; to go back to this one, restore the backup made before the upgrade (docs/upgrading.md)"

// typesLimit bounds the look at all events of a ledger.
const typesLimit = 5 * time.Second

// examineTypes looks for types of events that this version does not know. The tables are there.
func (d *diagnosis) examineTypes(ctx context.Context, c config) {
	const check = "eventstore: types of events"
	if c.EventStore.engine == engineESDB {
		return // which has no list of them; the projections stop at one that is unknown
	}
	ctx, cancel := context.WithTimeout(ctx, typesLimit)
	defer cancel()
	unknown, err := unknownTypes(ctx, c, domain.Events())
	switch {
	case ctx.Err() != nil:
		d.warn(check, fmt.Sprintf("the ledger is too large to look at every event within %s", typesLimit), "`licenseledger ledger verify` looks at every event")
	case err != nil:
		d.fail(check, err.Error(), "`licenseledger ledger verify` tells more")
	case len(unknown) > 0:
		d.fail(check, "a newer version of the program wrote events that this one does not know: "+strings.Join(unknown, ", ")+
			"; what depends on them is refused with NEWER_LEDGER", adviceOnNewer)
	default:
		d.ok(check, "this version knows all of them")
	}
}

// unknownTypes describes the types in the ledger that are not registered.
func unknownTypes(ctx context.Context, c config, events *event.Registry) (unknown []string, err error) {
	err = lookInto(ctx, c, c.EventStore, `SELECT type, MIN(position), COUNT(*) FROM events GROUP BY type ORDER BY 2`, func(rows *sql.Rows) error {
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

// examineProjections looks for projections that stopped. The tables are there.
func (d *diagnosis) examineProjections(ctx context.Context, c config) {
	const check = "readmodels: projections"
	ctx, cancel := context.WithTimeout(ctx, doctorPatience)
	defer cancel()
	var names []string
	var stopped bool
	err := lookInto(ctx, c, c.ReadModels, `SELECT name, position, state, error FROM projections WHERE serving = 1 ORDER BY name`, func(rows *sql.Rows) error {
		var name, state, problem string
		var position uint64
		if err := rows.Scan(&name, &position, &state, &problem); err != nil {
			return err
		}
		names = append(names, name)
		if state == readmodels.StateFailed {
			stopped = true
			d.fail(check, fmt.Sprintf("%s stands at position %d: %s", name, position, problem),
				"start a version of the program that can project the event: the projection goes on by itself")
		}
		return nil
	})
	switch {
	case err != nil:
		d.fail(check, err.Error(), "give the user the right to read them")
	case !stopped:
		slices.Sort(names)
		d.ok(check, "none has stopped: "+strings.Join(names, ", "))
	}
}

// lookInto reads the rows of a query from tables that are there.
func lookInto(ctx context.Context, c config, at location, query string, each func(*sql.Rows) error) (err error) {
	db, err := openTables(at, c.DataDir)
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
