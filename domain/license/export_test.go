package license

import (
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/machine"
)

// Contents are all that a stream holds, in a form that can be compared: the shape of a B-tree depends on the order of its changes.
type Contents struct {
	License       License
	Stream        string
	Floating      bool
	Machines      map[uuid.UUID]BoundMachine
	Vacated       map[uuid.UUID]BoundMachine
	ByActivation  []entry[uuid.UUID]
	ByFingerprint []entry[machine.Fingerprint]
	ByComponent   []entry[component]
	ByLeaseEnd    []entry[time.Time]
	SeatsUsed     int
	NextDue       time.Time
}

// ContentsOf reads a stream.
func ContentsOf(s *Stream) Contents {
	if s == nil {
		return Contents{}
	}
	m := s.machines
	stream, err := s.stream.MarshalJSON()
	if err != nil {
		panic(err)
	}
	all := Contents{
		License: s.License, Stream: string(stream), Floating: m.floating, Machines: map[uuid.UUID]BoundMachine{},
		ByActivation: slices.Collect(m.byActivation.all()), ByFingerprint: slices.Collect(m.byFingerprint.all()),
		ByComponent: slices.Collect(m.byComponent.all()), ByLeaseEnd: slices.Collect(m.byLeaseEnd.all()),
		SeatsUsed: m.seatsUsed, NextDue: s.nextDue,
	}
	maps.Insert(all.Machines, m.all())
	all.Vacated = maps.Collect(s.vacated.all())
	return all
}
