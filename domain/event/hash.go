package event

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
)

// Hash is the SHA-256 of one event: of everything that is stored of it but its position, which is the engine's own.
type Hash [sha256.Size]byte

// Hash returns the hash of an event, the same on every engine.
func (e *Envelope) Hash() Hash {
	h := sha256.New()
	e.WriteTo(h, nil)
	return Hash(h.Sum(nil))
}

// WriteTo adds an event to a hash: stream, revision, id, type, recorded-at in microseconds, tenant, actor, correlation, causation,
// command id, request hash and payload. Numbers are big-endian in 8 bytes; texts and the payload have their length before
// them, so that no two events are written alike. It returns scratch, grown if need be, to be given to the next call.
func (e *Envelope) WriteTo(h hash.Hash, scratch []byte) []byte {
	b := scratch[:0]
	b = appendText(b, e.Stream)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Revision))
	b = append(b, e.ID[:]...)
	b = appendText(b, string(e.Type))
	b = binary.BigEndian.AppendUint64(b, uint64(e.RecordedAt.UnixMicro()))
	for _, s := range [...]string{e.Tenant, e.Actor, e.Correlation, e.Causation, e.CommandID, e.RequestHash} {
		b = appendText(b, s)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(len(e.Data)))
	_, _ = h.Write(b) // a hash never fails
	_, _ = h.Write(e.Data)
	return b
}

func appendText(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(len(s)))
	return append(b, s...)
}

// String returns the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// ParseHash is the inverse of [Hash.String].
func ParseHash(s string) (Hash, error) {
	var h Hash
	if len(s) != hex.EncodedLen(len(h)) {
		return Hash{}, fmt.Errorf("a hash has %d hexadecimal digits, not %d", hex.EncodedLen(len(h)), len(s))
	}
	if _, err := hex.Decode(h[:], []byte(s)); err != nil {
		return Hash{}, fmt.Errorf("read a hash: %w", err)
	}
	return h, nil
}
