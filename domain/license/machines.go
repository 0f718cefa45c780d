package license

import (
	"bytes"
	"cmp"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/tidwall/btree"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/machine"
)

// BoundMachine is a machine's place at a licence: its binding and its activation. It has a seat while the activation is ACTIVE.
type BoundMachine struct {
	Binding    binding.Binding
	Activation activation.Activation
}

// machines are the bound machines of a licence, indexed by everything they are looked up by.
//
// They live in copy-on-write B-trees: a clone costs the same however many machines there are, and a change to one of n machines copies
// O(log n) nodes, once per clone. Machines that were cloned must not be changed any more.
type machines struct {
	floating      bool // activations are leases
	byBinding     *btree.BTreeG[boundMachine]
	byActivation  index[uuid.UUID]
	byFingerprint index[machine.Fingerprint]
	byComponent   index[component]
	byLeaseEnd    index[time.Time] // of the activations that hold a floating seat
	seatsUsed     int              // how many activations are ACTIVE
}

type boundMachine struct {
	binding uuid.UUID
	*BoundMachine
}

// component is the keyed hash of one of a machine's components.
type component struct {
	kind machine.Kind
	hash string
}

func compareComponents(a, b component) int {
	return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.hash, b.hash))
}

func compareIDs(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }

// degree bounds the size of the B-trees' nodes. Small ones suit a structure whose changes copy nodes.
const degree = 8

func newMachines() machines {
	return machines{
		byBinding: btree.NewBTreeGOptions(func(a, b boundMachine) bool {
			return compareIDs(a.binding, b.binding) < 0
		}, btree.Options{Degree: degree}),
		byActivation:  newIndex(compareIDs),
		byFingerprint: newIndex(cmp.Compare[machine.Fingerprint]),
		byComponent:   newIndex(compareComponents),
		byLeaseEnd:    newIndex(time.Time.Compare),
	}
}

// clone returns machines that may be changed while m stays as it is.
func (m *machines) clone() machines {
	next := *m
	next.byBinding = m.byBinding.Copy()
	next.byActivation = m.byActivation.clone()
	next.byFingerprint = m.byFingerprint.clone()
	next.byComponent = m.byComponent.clone()
	next.byLeaseEnd = m.byLeaseEnd.clone()
	return next
}

// get returns the machine of a binding.
func (m *machines) get(binding uuid.UUID) (BoundMachine, bool) {
	found, ok := m.byBinding.Get(boundMachine{binding: binding})
	if !ok {
		return BoundMachine{}, false
	}
	return *found.BoundMachine, true
}

// set stores the machine of a binding.
func (m *machines) set(binding uuid.UUID, now BoundMachine) {
	was, _ := m.byBinding.Set(boundMachine{binding, &now})
	m.reindex(binding, was.BoundMachine, &now)
}

// remove forgets the machine of a binding.
func (m *machines) remove(binding uuid.UUID) {
	was, _ := m.byBinding.Delete(boundMachine{binding: binding})
	m.reindex(binding, was.BoundMachine, nil)
}

// reindex brings the indexes and the count of seats from what a binding's machine was to what it is now; nil: there is none.
func (m *machines) reindex(binding uuid.UUID, was, now *BoundMachine) {
	m.seatsUsed += seats(now) - seats(was)
	update(m.byActivation, binding, was, now, func(b *BoundMachine) (uuid.UUID, bool) {
		return b.Activation.ID, b.Activation.ID != uuid.Nil && b.Activation.Status != activation.StatusEnded
	})
	update(m.byFingerprint, binding, was, now, func(b *BoundMachine) (machine.Fingerprint, bool) {
		return b.Binding.Machine.Fingerprint, b.Binding.Machine.Fingerprint != ""
	})
	if m.floating {
		update(m.byLeaseEnd, binding, was, now, func(b *BoundMachine) (time.Time, bool) {
			return b.Activation.ExpiresAt, seats(b) == 1
		})
	}
	before, after := hashes(was), hashes(now)
	if maps.EqualFunc(before, after, slices.Equal) {
		return
	}
	for c := range components(before) {
		m.byComponent.Delete(entry[component]{c, binding})
	}
	for c := range components(after) {
		m.byComponent.Set(entry[component]{c, binding})
	}
}

// seats is how many seats a machine takes; none when it is nil.
func seats(b *BoundMachine) int {
	if b != nil && b.Activation.Status == activation.StatusActive {
		return 1
	}
	return 0
}

func hashes(b *BoundMachine) machine.Hashes {
	if b == nil {
		return nil
	}
	return b.Binding.Machine.Hashes
}

func components(h machine.Hashes) iter.Seq[component] {
	return func(yield func(component) bool) {
		for kind, values := range h {
			for _, hash := range values {
				if !yield(component{kind, hash}) {
					return
				}
			}
		}
	}
}

// index finds bindings by a key: in the order of the keys, and those with equal keys in the order of their ids.
type index[K comparable] struct {
	*btree.BTreeG[entry[K]]
}

type entry[K comparable] struct {
	key     K
	binding uuid.UUID
}

func newIndex[K comparable](compare func(a, b K) int) index[K] {
	return index[K]{btree.NewBTreeGOptions(func(a, b entry[K]) bool {
		return cmp.Or(compare(a.key, b.key), compareIDs(a.binding, b.binding)) < 0
	}, btree.Options{Degree: degree})}
}

func (i index[K]) clone() index[K] { return index[K]{i.Copy()} }

// find returns the bindings with a key.
func (i index[K]) find(key K) iter.Seq[uuid.UUID] {
	return func(yield func(uuid.UUID) bool) {
		i.Ascend(entry[K]{key: key}, func(e entry[K]) bool { return e.key == key && yield(e.binding) })
	}
}

// first returns the first binding with a key.
func (i index[K]) first(key K) (binding uuid.UUID, found bool) {
	for binding := range i.find(key) {
		return binding, true
	}
	return uuid.Nil, false
}

// update moves a binding to the key that it has now. keyOf returns the key of a machine, and whether it is in the index at all.
func update[K comparable](i index[K], binding uuid.UUID, was, now *BoundMachine, keyOf func(*BoundMachine) (K, bool)) {
	var before, after entry[K]
	var had, has bool
	if was != nil {
		before.key, had = keyOf(was)
	}
	if now != nil {
		after.key, has = keyOf(now)
	}
	if had == has && before.key == after.key {
		return
	}
	before.binding, after.binding = binding, binding
	if had {
		i.Delete(before)
	}
	if has {
		i.Set(after)
	}
}
