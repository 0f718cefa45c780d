package licensing

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/keyring"
)

// IssueLicense makes a licence of a product for a customer. With an idempotency key the licence's id derives from the key, so that a
// repetition finds the same licence. Refusals: catalog.ErrProductNotFound, catalog.ErrPlanNotFound, a [domainerr.Invalid].
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

func (c *Commands) issueLicense(ctx context.Context, req runtime.Request, command IssueLicense) (IssuedLicense, error) {
	principal, err := access.From(ctx)
	if err != nil {
		return IssuedLicense{}, err
	}
	product, plan, err := c.resolvePlan(ctx, principal.Tenant, command.Product, command.Plan)
	if err != nil {
		return IssuedLicense{}, err
	}
	for {
		serial, err := c.serial(principal.Tenant, req.IdempotencyKey)
		if err != nil {
			return IssuedLicense{}, err
		}
		issue := license.Issue{
			LicenseID: keyring.LicenseID(serial), Serial: license.Serial(serial), Product: product, Plan: plan,
			MaxMachines: command.MaxMachines, ExpiresAt: inMicroseconds(command.ExpiresAt), Metadata: command.Metadata,
		}
		result, err := c.repositories.Licenses.Execute(ctx, req, issue.LicenseID,
			func(s *license.Stream, now time.Time) ([]event.Payload, error) {
				return c.decideIssue(ctx, principal.Tenant, issue, command.Customer, s, now)
			})
		if errors.Is(err, license.ErrAlreadyIssued) && req.IdempotencyKey == "" {
			continue // two random serials were the same; the next one will not be
		}
		if err != nil {
			return IssuedLicense{}, err
		}
		issued, err := c.withCustomer(ctx, result)
		if err != nil {
			return IssuedLicense{}, err
		}
		return c.withKey(issued), nil
	}
}

func (c *Commands) serial(tenant, idempotencyKey string) (uint64, error) {
	if idempotencyKey == "" {
		return c.keyring.NewSerial()
	}
	return c.keyring.SerialFor(tenant, idempotencyKey), nil
}

func (c *Commands) decideIssue(
	ctx context.Context, tenant string, issue license.Issue, customer license.Customer, s *license.Stream, now time.Time,
) ([]event.Payload, error) {
	var check domainerr.Check
	check.Nested("customer", customer.Validate())
	_, err := issue.Decide(s, now)
	var invalid *domainerr.Invalid
	if err != nil && !errors.As(err, &invalid) {
		return nil, err
	}
	check.Nested("", err)
	if err := check.Err(); err != nil {
		return nil, err
	}
	// The subject's key is durable before the event that needs it. A refused command makes none.
	if issue.SubjectID, err = c.keyring.Subject(ctx, tenant, customer.Email); err != nil {
		return nil, err
	}
	text, err := json.Marshal(customer)
	if err != nil {
		return nil, err
	}
	if issue.Customer, err = c.keyring.Seal(ctx, issue.SubjectID, text); err != nil {
		return nil, err
	}
	return issue.Decide(s, now)
}

// withKey adds the licence key, which derives from the serial and the generation.
func (c *Commands) withKey(l License) IssuedLicense {
	key := keyring.LicenseKey{Serial: uint64(l.Serial), Generation: l.KeyGeneration}
	return IssuedLicense{License: l, Key: c.keyring.FormatLicenseKey(key)}
}

// resolvePlan finds a product and one of its plans, each by code or id.
func (c *Commands) resolvePlan(ctx context.Context, tenant, productRef, planRef string) (*catalog.Product, *catalog.Plan, error) {
	product, err := byIDOrCode(ctx, c.repositories.Products, productRef, catalog.ProductID(tenant, productRef))
	if err != nil {
		return nil, nil, err
	}
	if product == nil {
		return nil, nil, catalog.ErrProductNotFound.WithMessage("there is no product with the code or id %q", productRef)
	}
	plan, err := byIDOrCode(ctx, c.repositories.Plans, planRef, catalog.PlanID(product.ID, planRef))
	if err != nil {
		return nil, nil, err
	}
	if plan == nil || plan.ProductID != product.ID {
		return nil, nil, catalog.ErrPlanNotFound.WithMessage("the product %s has no plan with the code or id %q", product.Code, planRef)
	}
	return product, plan, nil
}

// byIDOrCode loads what a reference names: by its id, or by the id that derives from its code. A code may look like an id.
func byIDOrCode[T any](ctx context.Context, from *runtime.Repository[T], ref string, fromCode uuid.UUID) (*T, error) {
	if id, is := catalog.ParseID(ref); is {
		if found, err := from.Load(ctx, id); found != nil || err != nil {
			return found, err
		}
		return from.Find(ctx, fromCode)
	}
	return from.Load(ctx, fromCode)
}
