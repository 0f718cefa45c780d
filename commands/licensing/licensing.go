// Package licensing carries out the commands that issue licences and change their status.
package licensing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/keyring"
)

// Commands are the commands on licences.
type Commands struct {
	IssueLicense     runtime.Command[IssueLicense, IssuedLicense]
	IssueLicenses    runtime.Command[[]IssueLicense, []IssueOutcome]
	SuspendLicense   runtime.Command[SuspendLicense, License]
	ReinstateLicense runtime.Command[ReinstateLicense, License]
	RenewLicense     runtime.Command[RenewLicense, License]
	RevokeLicense    runtime.Command[RevokeLicense, License]
	UndoExpiry       runtime.Command[UndoExpiry, License]
	ReissueKey       runtime.Command[ReissueKey, IssuedLicense]
	RecordDue        runtime.Command[RecordDue, runtime.Outcome]

	repositories Repositories
	keyring      *keyring.Keyring
}

// Repositories are what the commands load.
type Repositories struct {
	Products *runtime.Repository[catalog.Product]
	Plans    *runtime.Repository[catalog.Plan]
	Licenses *runtime.Repository[license.Stream]
}

// New declares the commands.
func New(repositories Repositories, keys *keyring.Keyring) *Commands {
	c := &Commands{repositories: repositories, keyring: keys}
	r := repositories.Licenses.Runtime
	declared := func(name string, permission access.Permission, idempotency runtime.Idempotency) runtime.Declaration {
		return runtime.Declaration{Name: name, Permission: permission, Aggregate: repositories.Licenses.Prefix, Idempotency: idempotency}
	}
	c.IssueLicense = runtime.Declare(r, declared("IssueLicense", access.LicenseIssue, runtime.ByID), c.issueLicense)
	c.IssueLicenses = runtime.Declare(r, declared("IssueLicenses", access.LicenseIssue, runtime.ByPart), c.issueLicenses)
	c.SuspendLicense = runtime.Declare(r, declared("SuspendLicense", access.LicenseSuspend, runtime.ByKey), c.suspendLicense)
	c.ReinstateLicense = runtime.Declare(r, declared("ReinstateLicense", access.LicenseReinstate, runtime.ByKey), c.reinstateLicense)
	c.RenewLicense = runtime.Declare(r, declared("RenewLicense", access.LicenseRenew, runtime.ByKey), c.renewLicense)
	c.RevokeLicense = runtime.Declare(r, declared("RevokeLicense", access.LicenseRevoke, runtime.ByKey), c.revokeLicense)
	c.ReissueKey = runtime.Declare(r, declared("ReissueKey", access.LicenseReissueKey, runtime.ByKey), c.reissueKey)
	c.RecordDue = runtime.Declare(r, declared("RecordDue", access.LicenseRecordDue, runtime.ByNature), c.recordDue)
	atPresent := declared("UndoExpiry", access.LicenseUndoExpiry, runtime.ByKey)
	atPresent.AtPresent = true
	c.UndoExpiry = runtime.Declare(r, atPresent, c.undoExpiry)
	return c
}

// License is a licence as a command left it, with the customer in clear.
type License struct {
	*license.Stream
	Customer *license.Customer // nil when the person was erased
	runtime.Outcome
}

// execute lets a licence decide on a command.
func (c *Commands) execute(ctx context.Context, req runtime.Request, id uuid.UUID, command license.Command) (License, error) {
	result, err := c.repositories.Licenses.Execute(ctx, req, id, func(s *license.Stream, now time.Time) ([]event.Payload, error) {
		return s.Decide(command, now)
	})
	if err != nil {
		return License{}, err
	}
	return c.withCustomer(ctx, result)
}

// withCustomer decrypts the customer for an authorized caller.
func (c *Commands) withCustomer(ctx context.Context, result runtime.Result[license.Stream]) (License, error) {
	customer, err := c.customer(ctx, result.State)
	if err != nil {
		return License{}, err
	}
	return License{Stream: result.State, Customer: customer, Outcome: result.Outcome}, nil
}

func (c *Commands) customer(ctx context.Context, s *license.Stream) (*license.Customer, error) {
	text, err := c.keyring.Unseal(ctx, s.SubjectID, s.License.Customer)
	if errors.Is(err, keyring.ErrKeyGone) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("decrypt the customer of licence %s: %w", s.ID, err)
	}
	var customer license.Customer
	if err := json.Unmarshal(text, &customer); err != nil {
		return nil, fmt.Errorf("read the customer of licence %s: %w", s.ID, err)
	}
	return &customer, nil
}

// inMicroseconds returns a time as the ledger keeps it.
func inMicroseconds(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	whole := t.UTC().Truncate(time.Microsecond)
	return &whole
}
