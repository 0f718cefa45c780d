package queryapi

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/httpapi/problem"
)

// wait returns when the projections have reached the Ledger-Position that the client asks for.
func (s server) wait(ctx context.Context, asked *string, projections ...string) error {
	position, err := ledgerPosition(asked)
	if err != nil || position == 0 {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, s.WaitTimeout)
	defer cancel()
	return s.Projections.Await(bounded, projections, position)
}

// waitForLedger returns when the ledger itself has reached the position: another process may be writing it.
func (s server) waitForLedger(ctx context.Context, asked *string) error {
	position, err := ledgerPosition(asked)
	if err != nil || position == 0 {
		return err
	}
	head, err := s.Ledger.Head(ctx)
	if err != nil || head >= event.Position(position) {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, s.WaitTimeout)
	defer cancel()
	if err := arrival(bounded, s.Ledger, event.Position(position)); err != nil {
		if bounded.Err() != nil && ctx.Err() == nil {
			return problem.ErrProjectionBehind
		}
		return err
	}
	return nil
}

// arrival returns when the ledger holds an event at the position.
func arrival(ctx context.Context, ledger eventstore.Store, position event.Position) (err error) {
	subscription, err := ledger.Subscribe(ctx, position-1)
	if err != nil {
		return fmt.Errorf("wait for position %d: %w", position, err)
	}
	defer func() { err = errors.Join(err, subscription.Close()) }()
	_, err = subscription.Next(ctx, 1)
	return err
}

func ledgerPosition(asked *string) (uint64, error) {
	if asked == nil {
		return 0, nil
	}
	position, err := strconv.ParseUint(*asked, 10, 63)
	if err != nil {
		return 0, problem.Field("Ledger-Position", "must be a position of the ledger, such as 42")
	}
	return position, nil
}
