package ledgercopy

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"

	"github.com/licenseledger/licenseledger/domain/event"
)

// digest is a SHA-256 over events in their order, each as [event.Envelope.WriteTo] writes it.
type digest struct {
	hash    hash.Hash
	scratch []byte
}

func newDigest() *digest { return &digest{hash: sha256.New()} }

func (d *digest) add(e *event.Envelope) { d.scratch = e.WriteTo(d.hash, d.scratch) }

func (d *digest) String() string { return hex.EncodeToString(d.hash.Sum(nil)) }
