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

// format tells apart the snapshots of programs that fold events differently: by what a snapshot looks like, and by the types of event
// that the program knows. A snapshot of a newer version may contain events that this version must stop at.
type format string

// formatOf returns the format of a program that knows the registered types.
func formatOf(events *event.Registry) format {
	types := events.Types()
	slices.Sort(types)
	sum := sha256.Sum256(fmt.Append(nil, types))
	return format(fmt.Sprintf("%d-%s", license.SnapshotFormat, hex.EncodeToString(sum[:8])))
}

// space is where the snapshots of one ledger are, for programs that fold alike.
type space struct {
	namespace
	format format
}

// key is where a licence's snapshot is. The format is part of it, so that programs of different versions do not overwrite each
// other's.
func (s space) key(id uuid.UUID) string {
	return fmt.Sprintf("%slicense:%s:%s", s.prefix(), s.format, id)
}

// sealedName binds a sealed snapshot to its licence, its format and its ledger.
func (s space) sealedName(id uuid.UUID) []string {
	name := []string{"license snapshot", string(s.format), id.String()}
	if s.namespace != "" {
		name = append(name, string(s.namespace))
	}
	return name
}
