package rediscache

import (
	"fmt"
	"strconv"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/license"
)

// namespace tells the ledgers that share a Redis apart. It is part of every name in it, of what is sealed as well.
type namespace string

func (n namespace) prefix() string {
	if n == "" {
		return "licenseledger:"
	}
	return "licenseledger:" + string(n) + ":"
}

// key is where a licence's snapshot is. The format is part of it, so that programs of different versions do not overwrite each
// other's.
func (n namespace) key(id uuid.UUID) string {
	return fmt.Sprintf("%slicense:%d:%s", n.prefix(), license.SnapshotFormat, id)
}

// channel is where instances announce that the ledger grew.
func (n namespace) channel() string { return n.prefix() + "grown" }

// sealedName binds a sealed snapshot to its licence, its format and its ledger.
func (n namespace) sealedName(id uuid.UUID) []string {
	name := []string{"license snapshot", strconv.Itoa(license.SnapshotFormat), id.String()}
	if n != "" {
		name = append(name, string(n))
	}
	return name
}
