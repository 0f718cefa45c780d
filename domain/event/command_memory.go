package event

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/tidwall/btree"
)

// Command is the memory of a command that carried an Idempotency-Key.
type Command struct {
	ID        string
	Revision  Revision // of its last event
	ByMachine bool     // whoever holds the licence key asked for it
	request   digest
}

// CommandOf returns the memory of the command that caused an event.
func CommandOf(e Envelope) Command {
	return Command{ID: e.CommandID, Revision: e.Revision, ByMachine: e.byMachine(), request: digestOf(e.RequestHash)}
}

// HasRequestHash reports whether the command came with the request of a hash.
func (c Command) HasRequestHash(hash string) bool { return c.request == digestOf(hash) }

// digest stands for a text in memory: the first half of its SHA-256. What is kept of a command is small and has one size.
type digest [sha256.Size / 2]byte

func digestOf(text string) digest {
	sum := sha256.Sum256([]byte(text))
	return digest(sum[:])
}

// commandMemory are the latest commands of a stream. The zero value is empty. The trees are copied on write and made with their first
// entry; a memory that was cloned must not be changed any more.
type commandMemory struct {
	byID       *btree.BTreeG[rememberedCommand]
	byRevision *btree.BTreeG[rememberedCommand]
}

type rememberedCommand struct {
	id, request digest
	revision    Revision  // of its last event
	recordedAt  time.Time // of its last event
}

// retention says how long a command is remembered.
type retention struct {
	least int           // so many are remembered however old they are
	age   time.Duration // more are remembered while they are no older
	most  int           // but never more than so many
}

// forgottenAtOnce bounds the work of one more command. Two: a memory of old commands shrinks.
const forgottenAtOnce = 2

func newCommandTree(less func(a, b rememberedCommand) bool) *btree.BTreeG[rememberedCommand] {
	return btree.NewBTreeGOptions(less, btree.Options{Degree: 8})
}

// clone returns a memory that may be changed while m stays as it is.
func (m *commandMemory) clone() commandMemory {
	if m.byID == nil {
		return commandMemory{}
	}
	return commandMemory{m.byID.Copy(), m.byRevision.Copy()}
}

// add adds a command, or a further event of a command that is there.
func (m *commandMemory) add(c rememberedCommand, keep retention) {
	if m.byID == nil {
		m.byID = newCommandTree(func(a, b rememberedCommand) bool { return bytes.Compare(a.id[:], b.id[:]) < 0 })
		m.byRevision = newCommandTree(func(a, b rememberedCommand) bool { return a.revision < b.revision })
	}
	if before, had := m.byID.Set(c); had {
		m.byRevision.Delete(before)
	}
	m.byRevision.Set(c)
	for range forgottenAtOnce {
		oldest, _ := m.byRevision.Min()
		known := m.byID.Len()
		if known <= keep.least || known <= keep.most && c.recordedAt.Sub(oldest.recordedAt) <= keep.age {
			break
		}
		m.byRevision.Delete(oldest)
		m.byID.Delete(oldest)
	}
}

// find returns the command with an id.
func (m commandMemory) find(id string) (rememberedCommand, bool) {
	if m.byID == nil {
		return rememberedCommand{}, false
	}
	return m.byID.Get(rememberedCommand{id: digestOf(id)})
}

// rememberedSize is how many bytes a command has in snapshots.
const rememberedSize = 2*len(digest{}) + 8 + 8

// bytes returns the commands one after the other, the oldest first: id, request, revision and Unix time in microseconds.
func (m commandMemory) bytes() []byte {
	if m.byID == nil {
		return nil
	}
	data := make([]byte, 0, m.byRevision.Len()*rememberedSize)
	m.byRevision.Scan(func(c rememberedCommand) bool {
		data = append(append(data, c.id[:]...), c.request[:]...)
		data = binary.BigEndian.AppendUint64(data, uint64(c.revision))
		data = binary.BigEndian.AppendUint64(data, uint64(c.recordedAt.UnixMicro()))
		return true
	})
	return data
}

// commandMemoryOf is the inverse of bytes.
func commandMemoryOf(data []byte) (m commandMemory, err error) {
	if len(data)%rememberedSize != 0 {
		return m, fmt.Errorf("the memory of commands has %d bytes, which is no multiple of %d", len(data), rememberedSize)
	}
	for ; len(data) > 0; data = data[rememberedSize:] {
		var c rememberedCommand
		numbers := data[copy(c.id[:], data)+copy(c.request[:], data[len(c.id):]):]
		c.revision = Revision(binary.BigEndian.Uint64(numbers))
		c.recordedAt = time.UnixMicro(int64(binary.BigEndian.Uint64(numbers[8:]))).UTC()
		m.add(c, retention{least: math.MaxInt})
	}
	return m, nil
}
