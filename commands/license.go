package commands

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/tenancy"
	"github.com/licenseledger/licenseledger/keyring"
)

// License is a licence as a command left it, with the customer in clear.
type License struct {
	*license.Stream
	Customer *license.Customer // nil when the person was erased
	Outcome
}

// seen opens what is sealed in a licence for the one who may see it.
func (h *Handler) seen(ctx context.Context, done changed[license.Stream]) (License, error) {
	customer, err := h.customer(ctx, done.state)
	if err != nil {
		return License{}, err
	}
	return License{Stream: done.state, Customer: customer, Outcome: done.Outcome}, nil
}

func (h *Handler) customer(ctx context.Context, s *license.Stream) (*license.Customer, error) {
	text, err := h.keyring.Unseal(ctx, s.SubjectID, s.License.Customer)
	if errors.Is(err, keyring.ErrKeyGone) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open the customer of licence %s: %w", s.ID, err)
	}
	var customer license.Customer
	if err := json.Unmarshal(text, &customer); err != nil {
		return nil, fmt.Errorf("read the customer of licence %s: %w", s.ID, err)
	}
	return &customer, nil
}

// decide lets a licence decide on a command and appends what it decided. A licence key that the command came with (empty: none)
// was good when the licence was found; one that was replaced since then, here or by another instance, is refused.
func (h *Handler) decide(ctx context.Context, req Request, id uuid.UUID, licenseKey string, c license.Command) (changed[license.Stream], error) {
	return h.licenses.change(ctx, req, id, func(s *license.Stream, now time.Time) ([]event.Payload, error) {
		if licenseKey != "" {
			if err := h.opens(ctx, licenseKey, s); err != nil {
				return nil, err
			}
		}
		return s.Decide(c, now)
	})
}

// administer carries out an admin's command on a licence.
func (h *Handler) administer(ctx context.Context, req Request, id uuid.UUID, command any, decision license.Command) (License, error) {
	if err := tenancy.Require(ctx, tenancy.Admin); err != nil {
		return License{}, err
	}
	req, err := h.identified(req, command)
	if err != nil {
		return License{}, err
	}
	done, err := h.decide(ctx, req, id, "", decision)
	if err != nil {
		return License{}, err
	}
	return h.seen(ctx, done)
}
