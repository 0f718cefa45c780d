package keyring

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/google/uuid"
)

// LicenseID returns the id of the licence with a serial: a version 8 UUID (RFC 9562) from a SHA-256, so that a licence key
// finds its stream without an index. The id does not reveal the serial.
func LicenseID(serial uint64) uuid.UUID {
	digest := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("licenseledger license "), serial))
	id := uuid.UUID(digest[:16])
	id[6] = id[6]&0x0f | 0x80 // version 8
	id[8] = id[8]&0x3f | 0x80 // variant of RFC 9562
	return id
}

// NewSerial returns a random serial.
func (k *Keyring) NewSerial() (uint64, error) {
	var b [8]byte
	if _, err := io.ReadFull(k.random, b[:]); err != nil {
		return 0, fmt.Errorf("make a serial: %w", err)
	}
	return binary.BigEndian.Uint64(b[:]), nil
}

// SerialFor returns the serial that belongs to a tenant's idempotency key, always the same one, so that issuing again with
// that key finds the licence that is there already. Without the ring it cannot be told from a random serial.
func (k *Keyring) SerialFor(tenant, idempotencyKey string) uint64 {
	return binary.BigEndian.Uint64(k.serials.mac(tenant, idempotencyKey))
}
