package activation

import (
	"context"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/keyring"
)

// LicenseKey is a licence key that a machine presented and that this installation made. The zero value is none.
type LicenseKey struct {
	keyring.LicenseKey
	text string // as it was presented
}

// ParseLicenseKey reads a licence key. It fails with [keyring.ErrLicenseKeyInvalid] for one that this installation did not make.
func (c *Commands) ParseLicenseKey(ctx context.Context, text string) (LicenseKey, error) {
	key, err := c.keyring.ParseLicenseKey(ctx, text)
	if err != nil {
		return LicenseKey{}, err
	}
	return LicenseKey{LicenseKey: key, text: text}, nil
}

// IsZero reports whether it is no licence key.
func (k LicenseKey) IsZero() bool { return k.text == "" }

// MarshalText returns the key as it was presented. It goes into the keyed hash by which a repeated command is recognised, and nowhere else.
func (k LicenseKey) MarshalText() ([]byte, error) { return []byte(k.text), nil }

// checkGeneration refuses a key that has been reissued.
func (k LicenseKey) checkGeneration(s *license.Stream) error {
	if !k.IsZero() && k.Generation != s.KeyGeneration {
		return license.ErrKeySuperseded
	}
	return nil
}

// byKey loads the licence of a licence key.
func (c *Commands) byKey(ctx context.Context, key LicenseKey) (*license.Stream, error) {
	if key.IsZero() {
		return nil, keyring.ErrLicenseKeyInvalid
	}
	return c.load(ctx, keyring.LicenseID(key.Serial), key)
}

// resolveLicense loads the licence that a command is about: by the licence key that a machine presents, or by the id that an operator
// gives. If both are given they must name the same licence.
func (c *Commands) resolveLicense(ctx context.Context, key LicenseKey, id uuid.UUID) (*license.Stream, error) {
	if !key.IsZero() {
		if id != uuid.Nil && id != keyring.LicenseID(key.Serial) {
			return nil, license.ErrNotFound
		}
		return c.byKey(ctx, key)
	}
	principal, err := access.From(ctx)
	switch {
	case err != nil:
		return nil, err
	case principal.Role == access.Machine && id == uuid.Nil:
		return nil, keyring.ErrLicenseKeyInvalid
	case principal.Role == access.Machine: // only a licence key shows that a licence is the machine's own
		return nil, access.ErrForbidden
	}
	return c.load(ctx, id, LicenseKey{})
}

func (c *Commands) load(ctx context.Context, id uuid.UUID, key LicenseKey) (*license.Stream, error) {
	s, err := c.licenses.Load(ctx, id)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, license.ErrNotFound
	}
	return s, key.checkGeneration(s)
}
