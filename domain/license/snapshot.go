package license

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
)

// SnapshotFormat names what [Snapshot] writes and what the fold puts into it. It is raised when either changes, so that a program
// never continues from what another version folded differently. A golden test holds it to that.
const SnapshotFormat = 7

// snapshot is a stream with everything that later decisions need.
type snapshot struct {
	Format   int
	License  License
	Issued   event.Ref
	Stream   event.StreamState
	Machines map[uuid.UUID]BoundMachine // by binding id
	Vacated  map[uuid.UUID]BoundMachine `json:",omitempty"`
}

// Snapshot returns a folded stream as bytes. They are a cache, never the truth: the events are.
func Snapshot(s *Stream) ([]byte, error) {
	if s == nil {
		return nil, errors.New("take a snapshot: there is no licence")
	}
	text, err := json.Marshal(snapshot{
		Format: SnapshotFormat, License: s.License, Issued: s.issued, Stream: s.stream,
		Machines: maps.Collect(s.machines.all()), Vacated: maps.Collect(s.vacated.all()),
	})
	if err != nil {
		return nil, fmt.Errorf("take a snapshot: %w", err)
	}
	return text, nil
}

// Restore is the inverse of [Snapshot]: folding further events onto what it returns gives what folding all events gives. It fails
// for bytes of another format.
func Restore(text []byte) (*Stream, error) {
	var from snapshot
	if err := json.Unmarshal(text, &from); err != nil {
		return nil, fmt.Errorf("restore a snapshot: %w", err)
	}
	if from.Format != SnapshotFormat {
		return nil, fmt.Errorf("restore a snapshot: it has format %d, not %d", from.Format, SnapshotFormat)
	}
	if from.Stream.Revision == 0 || from.Machines == nil {
		return nil, errors.New("restore a snapshot: it is incomplete")
	}
	from.License.issued = from.Issued
	s := &Stream{License: from.License, stream: from.Stream}
	s.machines.floating = s.Policy.Floating()
	for id, bound := range from.Machines {
		s.machines.set(id, bound)
	}
	for id, left := range from.Vacated {
		s.vacated.set(id, left)
	}
	s.nextDue = s.earliestDue()
	return s, nil
}
