package commands

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/machine"
	"github.com/licenseledger/licenseledger/domain/tenancy"
	"github.com/licenseledger/licenseledger/keyring"
)

// PresentedMachine is a machine as it describes itself: a ready fingerprint or the components to make one from, one of the two.
type PresentedMachine struct {
	Fingerprint string              // 64 hexadecimal digits
	Components  map[string][]string // in clear; never stored
	Name        string              // host name; stored sealed
	OS          string
}

// The bounds of a machine's descriptions.
const (
	MaxMachineName = 200 // characters
	MaxOS          = 64  // bytes
)

// recognisable checks a presented machine and reduces it to what identifies it.
func (h *Handler) recognisable(tenant string, p PresentedMachine) (machine.Machine, error) {
	var check domainerr.Check
	check.Require((p.Fingerprint == "") != (len(p.Components) == 0), "machine", "must have either a fingerprint or components")
	check.Require(utf8.ValidString(p.Name) && utf8.RuneCountInString(p.Name) <= MaxMachineName, "machine.name", "must be at most 200 characters")
	check.Require(utf8.ValidString(p.OS) && len(p.OS) <= MaxOS, "machine.os", "must be at most 64 bytes")
	identified := machine.Machine{OS: strings.TrimSpace(p.OS)}
	if p.Fingerprint != "" {
		fingerprint, err := machine.ParseFingerprint(p.Fingerprint)
		check.Nested("machine.fingerprint", err)
		identified.Fingerprint = fingerprint
	}
	if len(p.Components) > 0 {
		components, err := machine.NewComponents(p.Components)
		check.Nested("machine.components", err)
		identified.Fingerprint = components.Fingerprint()
		identified.Hashes = h.keyring.HashComponents(tenant, components)
	}
	return identified, check.Err()
}

// visit is a machine's request at a licence, ready to be decided on.
type visit struct {
	req     Request
	license uuid.UUID
	machine machine.Machine
	keyID   string // the product key that signs today
}

// visit finds out what a machine's command is about: the licence by its key (or, for an admin, by its id), the machine
// reduced to what may be stored, the key that would sign.
func (h *Handler) visit(ctx context.Context, req Request, command any, licenseKey string, id uuid.UUID, p PresentedMachine) (visit, error) {
	s, err := h.addressed(ctx, licenseKey, id)
	if err != nil {
		return visit{}, err
	}
	v := visit{license: s.ID}
	if v.machine, err = h.recognisable(s.StreamState().Tenant, p); err != nil {
		return visit{}, err
	}
	if p.Name != "" {
		v.machine.Name, err = h.keyring.Seal(ctx, s.SubjectID, []byte(p.Name))
		if err != nil && !errors.Is(err, keyring.ErrKeyGone) { // an erased customer's machines have no names
			return visit{}, err
		}
	}
	if v.keyID, err = h.signingKeyID(ctx, s); err != nil {
		return visit{}, err
	}
	v.req, err = h.identified(req, command)
	return v, err
}

// byKey finds the licence of a licence key. Refusals: keyring.ErrLicenseKeyInvalid, license.ErrNotFound, license.ErrKeySuperseded.
func (h *Handler) byKey(ctx context.Context, text string) (*license.Stream, error) {
	if err := tenancy.Require(ctx, tenancy.Machine, tenancy.Admin); err != nil {
		return nil, err
	}
	key, err := h.keyring.ParseLicenseKey(ctx, text)
	if err != nil {
		return nil, err
	}
	s, err := h.licenses.load(ctx, keyring.LicenseID(key.Serial))
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, license.ErrNotFound
	}
	return s, newest(key, s)
}

// opens returns nil when a licence key is the licence's newest.
func (h *Handler) opens(ctx context.Context, text string, s *license.Stream) error {
	key, err := h.keyring.ParseLicenseKey(ctx, text)
	if err != nil {
		return err
	}
	return newest(key, s)
}

func newest(key keyring.LicenseKey, s *license.Stream) error {
	if key.Generation != s.KeyGeneration {
		return license.ErrKeySuperseded
	}
	return nil
}

// addressed finds the licence that a command is about: by the licence key that a machine presents, or by the id that an
// admin gives.
func (h *Handler) addressed(ctx context.Context, licenseKey string, id uuid.UUID) (*license.Stream, error) {
	if licenseKey != "" || id == uuid.Nil {
		return h.byKey(ctx, licenseKey)
	}
	if err := tenancy.Require(ctx, tenancy.Admin); err != nil {
		return nil, err
	}
	s, err := h.licenses.load(ctx, id)
	if err == nil && s == nil {
		err = license.ErrNotFound
	}
	return s, err
}

// signingKeyID names the key that signs a product's certificates today, for a licence that was loaded.
func (h *Handler) signingKeyID(ctx context.Context, s *license.Stream) (string, error) {
	asSystem := tenancy.With(ctx, tenancy.Principal{Tenant: s.StreamState().Tenant, Actor: string(tenancy.System), Role: tenancy.System})
	product, err := h.products.find(asSystem, s.ProductID)
	if err != nil {
		return "", err
	}
	return product.SigningKey().ID, nil
}
