package keyring

import (
	"encoding/hex"
	"slices"

	"github.com/licenseledger/licenseledger/domain/machine"
)

// hashSize is how much of an HMAC-SHA-256 a keyed hash keeps, in bytes.
const hashSize = 16

// HashComponents reduces a machine's components to what may be stored: a keyed hash of each value (128 bits, lower-case
// hexadecimal), sorted within a kind. Equal values of one tenant and kind have equal hashes; nothing else can be told.
func (k *Keyring) HashComponents(tenant string, c machine.Components) machine.Hashes {
	hashes := make(machine.Hashes, len(c))
	for kind, values := range c {
		if len(values) == 0 {
			continue
		}
		hashed := make([]string, len(values))
		for i, v := range values {
			hashed[i] = hex.EncodeToString(k.components.mac(tenant, string(kind), v)[:hashSize])
		}
		slices.Sort(hashed)
		hashes[kind] = slices.Compact(hashed)
	}
	return hashes
}

// HashRequest returns a keyed hash of a command's request (128 bits, lower-case hexadecimal), so that the ledger can tell
// a repeated request from another one without holding it.
func (k *Keyring) HashRequest(request []byte) string {
	return hex.EncodeToString(k.requests.mac(string(request))[:hashSize])
}
