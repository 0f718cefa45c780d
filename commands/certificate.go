package commands

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/keyring"
)

// Activation is a machine's place at a licence as a command left it.
type Activation struct {
	ID          uuid.UUID
	BindingID   uuid.UUID
	LicenseID   uuid.UUID
	Certificate string // JWS compact (RFC 7515)
	ExpiresAt   time.Time
	Seats       Seats
	New         bool // the machine was not bound before
	Outcome
}

// Seats counts a licence's seats.
type Seats struct{ Used, Limit int }

func seatsOf(s *license.Stream) Seats { return Seats{Used: s.SeatsUsed(), Limit: s.Policy.Seats()} }

// answer describes a machine's place and derives its certificate.
func (h *Handler) answer(ctx context.Context, done changed[license.Stream], bound license.BoundMachine) (Activation, error) {
	certificate, err := h.certificate(ctx, done.state, bound)
	if err != nil {
		return Activation{}, err
	}
	state := done.state
	if len(done.events) == 0 { // nor was recorded what time has brought about
		state = state.AsOf(h.licenses.clock())
	}
	return Activation{
		ID:          bound.Activation.ID,
		BindingID:   bound.Binding.ID,
		LicenseID:   done.state.ID,
		Certificate: certificate,
		ExpiresAt:   bound.Activation.ExpiresAt,
		Seats:       seatsOf(state),
		Outcome:     done.Outcome,
	}, nil
}

// certificate derives the certificate of an activation from the event that determines it: the same event gives the same
// bytes, however often it is asked for.
func (h *Handler) certificate(ctx context.Context, s *license.Stream, bound license.BoundMachine) (string, error) {
	determined := bound.Activation.CertificateEvent
	if signed, ok := h.certificates.GetIfPresent(determined.ID); ok {
		return signed, nil
	}
	signed, err := h.keyring.Certify(ctx, bound.Activation.KeyID, keyring.Certificate{
		Issuer:       h.issuer,
		License:      s.ID,
		Product:      s.ProductID,
		ProductCode:  s.ProductCode,
		Plan:         s.PlanCode,
		PlanType:     s.Policy.PlanType,
		Features:     s.Policy.Features,
		Fingerprint:  bound.Activation.Fingerprint,
		Activation:   bound.Activation.ID,
		Binding:      bound.Binding.ID,
		NotBefore:    bound.Activation.GrantedAt,
		IssuedAt:     bound.Activation.IssuedAt,
		ExpiresAt:    bound.Activation.ExpiresAt,
		OfflineUntil: bound.Activation.ExpiresAt,
		Position:     determined.Position,
		Revision:     determined.Revision,
	})
	if err != nil {
		return "", err
	}
	h.certificates.Set(determined.ID, signed)
	return signed, nil
}
