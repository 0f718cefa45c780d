package inspect

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/keyring"
)

// namedKeys are the keys that the events of a ledger name, each with the position of the event that named it first.
type namedKeys struct {
	signing  map[string]event.Position
	subjects map[uuid.UUID]event.Position
}

func (n namedKeys) add(e event.Event) {
	switch happened := e.Payload.(type) {
	case catalog.ProductRegistered:
		n.signing[happened.SigningKey.ID] = e.Position
	case catalog.ProductSigningKeyRotated:
		n.signing[happened.SigningKey.ID] = e.Position
	case license.Issued:
		if _, known := n.subjects[happened.SubjectID]; !known {
			n.subjects[happened.SubjectID] = e.Position
		}
	}
}

// missing says which of the named keys is not there; it is empty when all are.
func (n namedKeys) missing(ctx context.Context, keys *keyring.Database) (problem string, err error) {
	signing, err := keys.SigningKeyIDs(ctx)
	if err != nil {
		return "", err
	}
	for id, at := range n.signing {
		if !signing[id] {
			return fmt.Sprintf("the signing key %s, which the event at position %d names, is not among the keys: they are older than the "+
				"ledger, or another's", id, at), nil
		}
	}
	subjects, err := keys.SubjectIDs(ctx)
	if err != nil {
		return "", err
	}
	for id, at := range n.subjects {
		if !subjects[id] {
			return fmt.Sprintf("the key of subject %s, which the event at position %d names, is not among the keys: they are older than the "+
				"ledger, or another's", id, at), nil
		}
	}
	return "", nil
}
