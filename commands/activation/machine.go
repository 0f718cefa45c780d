package activation

import (
	"context"
	"errors"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/machine"
	"github.com/licenseledger/licenseledger/keyring"
)

// PresentedMachine is a machine as it describes itself: a ready fingerprint or the components to make one from, one of the two.
type PresentedMachine struct {
	Fingerprint string              // 64 hexadecimal digits
	Components  map[string][]string // in clear; never stored
	Name        string              // host name; stored encrypted
	OS          string
}

// The bounds of a machine's descriptions.
const (
	MaxMachineName = 200 // characters
	MaxOS          = 64  // bytes
)

// identify checks a presented machine and reduces it to what identifies it.
func (c *Commands) identify(tenant string, p PresentedMachine) (machine.Machine, error) {
	var check domainerr.Check
	check.Require((p.Fingerprint == "") != (len(p.Components) == 0), "machine", "must have either a fingerprint or components")
	check.Require(utf8.ValidString(p.Name) && utf8.RuneCountInString(p.Name) <= MaxMachineName, "machine.name",
		"must be at most 200 characters")
	check.Require(utf8.ValidString(p.OS) && len(p.OS) <= MaxOS, "machine.os", "must be at most 64 bytes")
	identified := machine.Machine{OS: strings.TrimSpace(p.OS)}
	if p.Fingerprint != "" {
		fingerprint, err := machine.ParseFingerprint(p.Fingerprint)
		check.Nested("machine.fingerprint", err)
		identified.Fingerprint = fingerprint
	}
	if len(p.Components) > 0 {
		components, spelledAnew, err := machine.NewComponents(p.Components)
		check.Nested("machine.components", err)
		identified.Fingerprint = components.Fingerprint()
		identified.Hashes = c.keyring.HashComponents(tenant, components)
		if spelledAnew {
			identified.Former = sync.OnceValue(func() machine.Former {
				all, identifying := machine.FormerComponents(p.Components)
				return machine.Former{
					Fingerprint: all.Fingerprint(),
					Hashes:      c.keyring.HashComponents(tenant, all),
					Identifying: c.keyring.HashComponents(tenant, identifying),
				}
			})
		}
	}
	return identified, check.Err()
}

// machineRequest is a machine's command after its licence, machine and signing key were resolved.
type machineRequest struct {
	license uuid.UUID
	machine machine.Machine
	keyID   string // the product key that signs today
}

// resolve finds out what a machine's command is about: the licence by its key (or, for an operator, by its id), the machine reduced to what
// may be stored, and the key that would sign.
func (c *Commands) resolve(ctx context.Context, key LicenseKey, id uuid.UUID, p PresentedMachine) (machineRequest, error) {
	s, err := c.resolveLicense(ctx, key, id)
	if err != nil {
		return machineRequest{}, err
	}
	r := machineRequest{license: s.ID}
	if r.machine, err = c.identify(s.StreamState().Tenant, p); err != nil {
		return machineRequest{}, err
	}
	if p.Name != "" {
		r.machine.Name, err = c.keyring.Seal(ctx, s.SubjectID, []byte(p.Name))
		if err != nil && !errors.Is(err, keyring.ErrKeyGone) { // an erased customer's machines have no names
			return machineRequest{}, err
		}
	}
	r.keyID, err = c.signingKeyID(ctx, s)
	return r, err
}

// signingKeyID names the key that signs the certificates of a loaded licence's product today.
func (c *Commands) signingKeyID(ctx context.Context, s *license.Stream) (string, error) {
	product, err := c.products.FindRelated(ctx, s.ProductID)
	if err != nil {
		return "", err
	}
	return product.SigningKey().ID, nil
}
