package commands

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/tenancy"
	"github.com/licenseledger/licenseledger/keyring"
)

// IssueLicense makes a licence of a product for a customer.
type IssueLicense struct {
	Product     string // code or id
	Plan        string // code or id
	Customer    license.Customer
	MaxMachines *int
	ExpiresAt   *time.Time // overrides the plan's validity
	Metadata    map[string]string
}

// IssuedLicense is a new licence, or one with a new key. The key is shown here only: it is stored nowhere.
type IssuedLicense struct {
	License
	Key string
}

// IssueLicense carries the command out. With an Idempotency-Key the licence's id derives from it, so that a repetition
// finds the same licence. Refusals: catalog.ErrProductNotFound, catalog.ErrPlanNotFound, a [domainerr.Invalid].
func (h *Handler) IssueLicense(ctx context.Context, req Request, c IssueLicense) (IssuedLicense, error) {
	if err := tenancy.Require(ctx, tenancy.Admin); err != nil {
		return IssuedLicense{}, err
	}
	principal, err := tenancy.From(ctx)
	if err != nil {
		return IssuedLicense{}, err
	}
	product, plan, err := h.offer(ctx, principal.Tenant, c.Product, c.Plan)
	if err != nil {
		return IssuedLicense{}, err
	}
	if req, err = h.identified(req, c); err != nil {
		return IssuedLicense{}, err
	}
	for {
		serial, err := h.serial(principal.Tenant, req.IdempotencyKey)
		if err != nil {
			return IssuedLicense{}, err
		}
		done, err := h.licenses.change(ctx, req, keyring.LicenseID(serial), func(s *license.Stream, now time.Time) ([]event.Payload, error) {
			return h.issue(ctx, s, principal.Tenant, serial, product, plan, c, now)
		})
		if errors.Is(err, license.ErrAlreadyIssued) && req.IdempotencyKey == "" {
			continue // two random serials met; the next one will not
		}
		if err != nil {
			return IssuedLicense{}, err
		}
		return h.withKey(ctx, done)
	}
}

func (h *Handler) serial(tenant, idempotencyKey string) (uint64, error) {
	if idempotencyKey == "" {
		return h.keyring.NewSerial()
	}
	return h.keyring.SerialFor(tenant, idempotencyKey), nil
}

func (h *Handler) issue(ctx context.Context, s *license.Stream, tenant string, serial uint64, product *catalog.Product, plan *catalog.Plan, c IssueLicense, now time.Time) ([]event.Payload, error) {
	issue := license.Issue{
		LicenseID: keyring.LicenseID(serial), Serial: license.Serial(serial), Product: product, Plan: plan,
		MaxMachines: c.MaxMachines, ExpiresAt: inMicroseconds(c.ExpiresAt), Metadata: c.Metadata,
	}
	var check domainerr.Check
	check.Nested("customer", c.Customer.Validate())
	_, err := issue.Decide(s, now)
	var invalid *domainerr.Invalid
	if err != nil && !errors.As(err, &invalid) {
		return nil, err
	}
	check.Nested("", err)
	if err := check.Err(); err != nil {
		return nil, err
	}
	// The subject's key is durable before the event that needs it; only what will be issued gets one.
	if issue.SubjectID, err = h.keyring.Subject(ctx, tenant, c.Customer.Email); err != nil {
		return nil, err
	}
	text, err := json.Marshal(c.Customer)
	if err != nil {
		return nil, err
	}
	if issue.Customer, err = h.keyring.Seal(ctx, issue.SubjectID, text); err != nil {
		return nil, err
	}
	return issue.Decide(s, now)
}

// withKey adds the licence key, which derives from the serial and the generation.
func (h *Handler) withKey(ctx context.Context, done changed[license.Stream]) (IssuedLicense, error) {
	seen, err := h.seen(ctx, done)
	if err != nil {
		return IssuedLicense{}, err
	}
	key := keyring.LicenseKey{Serial: uint64(seen.Serial), Generation: seen.KeyGeneration}
	return IssuedLicense{License: seen, Key: h.keyring.FormatLicenseKey(key)}, nil
}

// offer finds a product and one of its plans, each by code or id.
func (h *Handler) offer(ctx context.Context, tenant, productRef, planRef string) (*catalog.Product, *catalog.Plan, error) {
	product, err := byIDOrCode(ctx, h.products, productRef, catalog.ProductID(tenant, productRef))
	if err != nil {
		return nil, nil, err
	}
	if product == nil {
		return nil, nil, catalog.ErrProductNotFound.WithMessage("there is no product with the code or id %q", productRef)
	}
	plan, err := byIDOrCode(ctx, h.plans, planRef, catalog.PlanID(product.ID, planRef))
	if err != nil {
		return nil, nil, err
	}
	if plan == nil || plan.ProductID != product.ID {
		return nil, nil, catalog.ErrPlanNotFound.WithMessage("the product %s has no plan with the code or id %q", product.Code, planRef)
	}
	return product, plan, nil
}

// byIDOrCode loads what a reference names: by its id, or by the id that derives from its code. A code may look like an id.
func byIDOrCode[T any](ctx context.Context, from *repository[T], ref string, fromCode uuid.UUID) (*T, error) {
	if id, err := uuid.Parse(ref); err == nil {
		if found, err := from.load(ctx, id); found != nil || err != nil {
			return found, err
		}
		return from.find(ctx, fromCode)
	}
	return from.load(ctx, fromCode)
}

func inMicroseconds(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	whole := t.UTC().Truncate(time.Microsecond)
	return &whole
}
