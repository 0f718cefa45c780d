// Package eventstoredb is the row of EventStoreDB and KurrentDB in the table of engines.
package eventstoredb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/eventstoredb"
)

// Engine is EventStoreDB or KurrentDB.
var Engine = &engine.Engine{
	Name:    "esdb",
	Schemes: []string{"esdb", "esdb+discover", "kurrentdb", "kurrentdb+discover"},
	Example: "esdb://HOST",

	Namespace: &engine.Namespace{
		Setting:  "stream_prefix",
		Flag:     "prefix",
		Usage:    map[engine.Part]string{engine.EventStore: "prefix of all stream names in EventStoreDB; none when empty"},
		About:    "prefix of all stream names",
		Default:  map[engine.Part]string{engine.EventStore: ""},
		Check:    checkStreamPrefix,
		Describe: func(prefix string) string { return "streams " + prefix + "…" },
	},

	OpenEvents: open,
	OpenLedger: func(ctx context.Context, at engine.Endpoint, dataDir string) (engine.Ledger, error) {
		return open(ctx, at, dataDir, slog.New(slog.DiscardHandler)) // opening creates nothing
	},
	BackupHint: func(string) string { return "use the backups of the database" },
}

func open(ctx context.Context, at engine.Endpoint, _ string, logger *slog.Logger) (eventstore.Store, error) {
	return eventstoredb.Open(ctx, at.Text, eventstoredb.StreamPrefix(at.Namespace), eventstoredb.Logger(logger))
}

// maxStreamPrefix leaves room for the rest of a stream's name.
const maxStreamPrefix = 100

// checkStreamPrefix returns an error unless EventStoreDB allows stream names that begin so. It reserves those that begin with $.
func checkStreamPrefix(prefix string) error {
	if len(prefix) > maxStreamPrefix || !engine.Printable(prefix) || strings.Contains(prefix, " ") {
		return fmt.Errorf("must be at most %d bytes of printable UTF-8 without spaces", maxStreamPrefix)
	}
	if strings.HasPrefix(prefix, "$") {
		return errors.New("must not begin with $: such streams are EventStoreDB's own")
	}
	return nil
}
