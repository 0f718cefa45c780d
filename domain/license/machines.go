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

// machines are the bound machines of a licence, indexed by everything they are looked up by. The zero value has none.
//
// They live in copy-on-write B-trees: a clone costs the same however many machines there are, and a change to one of n machines copies
// O(log n) nodes, once per clone. Machines that were cloned must not be changed any more. A tree is made with its first entry, because most
// licences have few machines and need few of the indexes.
type machines struct {
	floating      bool // activations are leases
	byBinding     *btree.BTreeG[boundMachine]
	byActivation  index[uuid.UUID]
	byFingerprint index[machine.Fingerprint]
	byComponent   index[component]
	byLeaseEnd    index[time.Time] // of the activations that hold a floating seat
	byLapse       index[time.Time] // of the activations whose lease ran out
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

// oldest returns the machine with the lowest id of its binding, which was bound first.
func (m *machines) oldest() (BoundMachine, bool) {
	if m.byBinding == nil {
		return BoundMachine{}, false
	}
	found, ok := m.byBinding.Min()
	if !ok {
		return BoundMachine{}, false
	}
	return *found.BoundMachine, true
}

// clone returns machines that may be changed while m stays as it is.
func (m *machines) clone() machines {
	next := *m
	if m.byBinding != nil {
		next.byBinding = m.byBinding.Copy()
	}
	next.byActivation = m.byActivation.clone()
	next.byFingerprint = m.byFingerprint.clone()
	next.byComponent = m.byComponent.clone()
	next.byLeaseEnd = m.byLeaseEnd.clone()
	next.byLapse = m.byLapse.clone()
	return next
}

// count returns how many machines there are.
func (m *machines) count() int {
	if m.byBinding == nil {
		return 0
	}
	return m.byBinding.Len()
}

// all returns the machines by the ids of their bindings, in the order of the ids.
func (m *machines) all() iter.Seq2[uuid.UUID, BoundMachine] {
	return func(yield func(uuid.UUID, BoundMachine) bool) {
		if m.byBinding != nil {
			m.byBinding.Scan(func(b boundMachine) bool { return yield(b.binding, *b.BoundMachine) })
		}
	}
}

// get returns the machine of a binding.
func (m *machines) get(binding uuid.UUID) (BoundMachine, bool) {
	if m.byBinding == nil {
		return BoundMachine{}, false
	}
	found, ok := m.byBinding.Get(boundMachine{binding: binding})
	if !ok {
		return BoundMachine{}, false
	}
	return *found.BoundMachine, true
}

// set stores the machine of a binding.
func (m *machines) set(binding uuid.UUID, now BoundMachine) {
	if m.byBinding == nil {
		m.byBinding = btree.NewBTreeGOptions(func(a, b boundMachine) bool {
			return compareIDs(a.binding, b.binding) < 0
		}, btree.Options{Degree: degree})
	}
	was, _ := m.byBinding.Set(boundMachine{binding, &now})
	m.reindex(binding, was.BoundMachine, &now)
}

// remove forgets the machine of a binding.
func (m *machines) remove(binding uuid.UUID) {
	if m.byBinding == nil {
		return
	}
	was, _ := m.byBinding.Delete(boundMachine{binding: binding})
	m.reindex(binding, was.BoundMachine, nil)
}

// reindex brings the indexes and the count of seats from what a binding's machine was to what it is now; nil: there is none.
func (m *machines) reindex(binding uuid.UUID, was, now *BoundMachine) {
	m.seatsUsed += seats(now) - seats(was)
	update(&m.byActivation, compareIDs, binding, was, now, func(b *BoundMachine) (uuid.UUID, bool) {
		return b.Activation.ID, b.Activation.ID != uuid.Nil && b.Activation.Status != activation.StatusEnded
	})
	if m.floating {
		update(&m.byLeaseEnd, time.Time.Compare, binding, was, now, func(b *BoundMachine) (time.Time, bool) {
			return b.Activation.ExpiresAt, seats(b) == 1
		})
		update(&m.byLapse, time.Time.Compare, binding, was, now, func(b *BoundMachine) (time.Time, bool) {
			return b.Activation.ExpiresAt, b.Activation.Status == activation.StatusLapsed
		})
	}
	if sameHardware(was, now) {
		return
	}
	for h := range hardware(was) {
		m.byFingerprint.remove(entry[machine.Fingerprint]{h.Fingerprint, binding})
		for c := range components(h.Hashes) {
			m.byComponent.remove(entry[component]{c, binding})
		}
	}
	for h := range hardware(now) {
		m.byFingerprint.add(cmp.Compare[machine.Fingerprint], entry[machine.Fingerprint]{h.Fingerprint, binding})
		for c := range components(h.Hashes) {
			m.byComponent.add(compareComponents, entry[component]{c, binding})
		}
	}
}

// seats is how many seats a machine takes; none when it is nil.
func seats(b *BoundMachine) int {
	if b != nil && b.Activation.Status == activation.StatusActive {
		return 1
	}
	return 0
}

// hardware yields what a machine is known by: as it was last recorded and, if that differs, as it was bound.
func hardware(b *BoundMachine) iter.Seq[binding.Hardware] {
	return func(yield func(binding.Hardware) bool) {
		if b == nil || b.Binding.Machine.Fingerprint == "" {
			return
		}
		last := binding.Hardware{Fingerprint: b.Binding.Machine.Fingerprint, Hashes: b.Binding.Machine.Hashes}
		if yield(last) && b.Binding.AsBound != nil {
			yield(*b.Binding.AsBound)
		}
	}
}

func sameHardware(a, b *BoundMachine) bool {
	return a != nil && b != nil && a.Binding.AsBound == b.Binding.AsBound &&
		a.Binding.Machine.Fingerprint == b.Binding.Machine.Fingerprint &&
		maps.EqualFunc(a.Binding.Machine.Hashes, b.Binding.Machine.Hashes, slices.Equal)
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

// index finds bindings by a key: in the order of the keys, and those with equal keys in the order of their ids. The zero value is empty.
type index[K comparable] struct{ tree *btree.BTreeG[entry[K]] }

type entry[K comparable] struct {
	key     K
	binding uuid.UUID
}

func (i *index[K]) clone() index[K] {
	if i.tree == nil {
		return index[K]{}
	}
	return index[K]{i.tree.Copy()}
}

// add adds an entry. compare orders the keys; it is always the same for an index.
func (i *index[K]) add(compare func(a, b K) int, e entry[K]) {
	if i.tree == nil {
		i.tree = btree.NewBTreeGOptions(func(a, b entry[K]) bool {
			return cmp.Or(compare(a.key, b.key), compareIDs(a.binding, b.binding)) < 0
		}, btree.Options{Degree: degree})
	}
	i.tree.Set(e)
}

func (i *index[K]) remove(e entry[K]) {
	if i.tree != nil {
		i.tree.Delete(e)
	}
}

func (i *index[K]) count() int {
	if i.tree == nil {
		return 0
	}
	return i.tree.Len()
}

// find returns the bindings with a key.
func (i *index[K]) find(key K) iter.Seq[uuid.UUID] {
	return func(yield func(uuid.UUID) bool) {
		if i.tree != nil {
			i.tree.Ascend(entry[K]{key: key}, func(e entry[K]) bool { return e.key == key && yield(e.binding) })
		}
	}
}

// first returns the first binding with a key.
func (i *index[K]) first(key K) (binding uuid.UUID, found bool) {
	for binding := range i.find(key) {
		return binding, true
	}
	return uuid.Nil, false
}

// all returns the entries in order.
func (i *index[K]) all() iter.Seq[entry[K]] {
	return func(yield func(entry[K]) bool) {
		if i.tree != nil {
			i.tree.Scan(yield)
		}
	}
}

// update moves a binding to the key that it has now. keyOf returns the key of a machine, and whether it is in the index at all.
func update[K comparable](
	i *index[K], compare func(a, b K) int, binding uuid.UUID, was, now *BoundMachine, keyOf func(*BoundMachine) (K, bool),
) {
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
		i.remove(before)
	}
	if has {
		i.add(compare, after)
	}
}
