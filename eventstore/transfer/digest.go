package transfer

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"

	"github.com/licenseledger/licenseledger/domain/event"
)

// digest is a SHA-256 over events in their order. Of every event it takes all fields except the position, which is the engine's
// own: stream, revision, id, type, recorded-at in microseconds, tenant, actor, correlation, causation, command id, request hash and
// payload. Numbers are big-endian in 8 bytes, texts and payloads have their length before them, so that no two ledgers read the same.
type digest struct {
	hash   hash.Hash
	buffer []byte
}

func newDigest() *digest { return &digest{hash: sha256.New()} }

func (d *digest) add(e *event.Envelope) {
	d.buffer = d.buffer[:0]
	d.text(e.Stream)
	d.number(uint64(e.Revision))
	d.buffer = append(d.buffer, e.ID[:]...)
	d.text(string(e.Type))
	d.number(uint64(e.RecordedAt.UnixMicro()))
	for _, s := range [...]string{e.Tenant, e.Actor, e.Correlation, e.Causation, e.CommandID, e.RequestHash} {
		d.text(s)
	}
	d.number(uint64(len(e.Data)))
	_, _ = d.hash.Write(d.buffer) // a hash never fails
	_, _ = d.hash.Write(e.Data)
}

func (d *digest) text(s string) {
	d.number(uint64(len(s)))
	d.buffer = append(d.buffer, s...)
}

func (d *digest) number(n uint64) { d.buffer = binary.BigEndian.AppendUint64(d.buffer, n) }

func (d *digest) String() string { return hex.EncodeToString(d.hash.Sum(nil)) }
