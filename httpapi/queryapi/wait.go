package queryapi

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/httpapi/problem"
)

// tenantAt returns the tenant whose data the client may read, once the projections have reached the request's Ledger-Position.
func (s server) tenantAt(ctx context.Context, requested *string, projections ...string) (string, error) {
	principal, err := access.From(ctx)
	if err != nil {
		return "", err
	}
	return principal.Tenant, s.wait(ctx, requested, projections...)
}

// wait returns once the projections have reached the request's Ledger-Position.
func (s server) wait(ctx context.Context, requested *string, projections ...string) error {
	position, err := ledgerPosition(requested)
	if err != nil || position == 0 {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, s.WaitTimeout)
	defer cancel()
	return s.Projections.Await(bounded, projections, position)
}

// waitForLedger returns once the ledger itself has reached the request's Ledger-Position. Another process may append to the ledger.
func (s server) waitForLedger(ctx context.Context, requested *string) error {
	position, err := ledgerPosition(requested)
	if err != nil || position == 0 {
		return err
	}
	head, err := s.Ledger.Head(ctx)
	if err != nil || head >= event.Position(position) {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, s.WaitTimeout)
	defer cancel()
	if err := waitForPosition(bounded, s.Ledger, event.Position(position)); err != nil {
		if bounded.Err() != nil && ctx.Err() == nil {
			return problem.ErrProjectionBehind
		}
		return err
	}
	return nil
}

// waitForPosition returns once the ledger holds an event at the position.
func waitForPosition(ctx context.Context, ledger eventstore.Store, position event.Position) (err error) {
	subscription, err := ledger.Subscribe(ctx, position-1)
	if err != nil {
		return fmt.Errorf("wait for position %d: %w", position, err)
	}
	defer func() { err = errors.Join(err, subscription.Close()) }()
	_, err = subscription.Next(ctx, 1)
	return err
}

// ledgerPosition reads a Ledger-Position header, which must fit into a signed column. Without the header it is 0.
func ledgerPosition(header *string) (uint64, error) {
	if header == nil {
		return 0, nil
	}
	position, err := strconv.ParseUint(*header, 10, 63)
	if err != nil {
		return 0, problem.Field("Ledger-Position", "must be a position of the ledger, such as 42")
	}
	return position, nil
}
