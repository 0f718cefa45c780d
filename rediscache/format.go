package rediscache

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
)

// format identifies the snapshots that a version of the program can use: by the format of snapshots and by the types of event that the
// version knows. A snapshot of a newer version may contain the effect of an event at which this version must stop.
type format string

// formatOf returns the format of a program that knows the registered types.
func formatOf(events *event.Registry) format {
	types := events.Types()
	slices.Sort(types)
	sum := sha256.Sum256(fmt.Append(nil, types))
	return format(fmt.Sprintf("%d-%s", license.SnapshotFormat, hex.EncodeToString(sum[:8])))
}

// keyspace has the keys of the snapshots of one ledger in one format.
type keyspace struct {
	namespace
	format format
}

// key returns the key of a licence's snapshot. It contains the format, so that different versions do not overwrite each other's
// snapshots.
func (k keyspace) key(id uuid.UUID) string {
	return fmt.Sprintf("%slicense:%s:%s", k.prefix(), k.format, id)
}

// sealedName returns the name under which a snapshot is sealed. It binds the snapshot to its licence, format and ledger.
func (k keyspace) sealedName(id uuid.UUID) []string {
	name := []string{"license snapshot", string(k.format), id.String()}
	if k.namespace != "" {
		name = append(name, string(k.namespace))
	}
	return name
}
