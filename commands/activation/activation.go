// Package activation carries out what machines ask of a licence: activation, validation, heartbeats, release and rebinding. Operators may
// release and rebind too.
package activation

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"

	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/keyring"
)

// Commands are the commands of machines.
type Commands struct {
	ActivateMachine runtime.Command[ActivateMachine, Activation]
	Heartbeat       runtime.Command[Heartbeat, Activation]
	Validate        runtime.Command[Validate, Verdict]
	Deactivate      runtime.Command[Deactivate, Deactivated]
	RebindMachine   runtime.Command[RebindMachine, Activation]

	licenses     *runtime.Repository[license.Stream]
	products     *runtime.Repository[catalog.Product]
	keyring      *keyring.Keyring
	issuer       string                          // the "iss" of certificates
	certificates *otter.Cache[uuid.UUID, string] // by the event that determines the certificate
}

const cachedCertificates = 32_768

// New declares the commands.
func New(licenses *runtime.Repository[license.Stream], products *runtime.Repository[catalog.Product], keys *keyring.Keyring,
	issuer string) (*Commands, error) {
	certificates, err := otter.New(&otter.Options[uuid.UUID, string]{MaximumSize: cachedCertificates})
	if err != nil {
		return nil, err
	}
	c := &Commands{licenses: licenses, products: products, keyring: keys, issuer: issuer, certificates: certificates}
	r := licenses.Runtime
	declared := func(name string, permission access.Permission, idempotency runtime.Idempotency) runtime.Declaration {
		return runtime.Declaration{Name: name, Permission: permission, Aggregate: licenses.Prefix, Idempotency: idempotency}
	}
	c.ActivateMachine = runtime.Declare(r, declared("ActivateMachine", access.MachineActivate, runtime.ByKey), c.activateMachine)
	c.Heartbeat = runtime.Declare(r, declared("Heartbeat", access.MachineHeartbeat, runtime.ByKey), c.heartbeat)
	c.Validate = runtime.Declare(r, declared("Validate", access.LicenseValidate, runtime.ByNature), c.validate)
	c.Deactivate = runtime.Declare(r, declared("Deactivate", access.MachineRelease, runtime.ByKey), c.deactivate)
	c.RebindMachine = runtime.Declare(r, declared("RebindMachine", access.MachineRebind, runtime.ByKey), c.rebindMachine)
	return c, nil
}

// Activation is a machine's place at a licence as a command left it.
type Activation struct {
	ID          uuid.UUID
	BindingID   uuid.UUID
	LicenseID   uuid.UUID
	Certificate string // JWS compact (RFC 7515)
	ExpiresAt   time.Time
	Seats       Seats
	New         bool // the machine was not bound before
	runtime.Outcome
	Today *Today // when a repetition is answered with what does not hold any more
}

// Today is how things stand with an activation.
type Today struct {
	License    license.Status
	Activation activation.Status
}

// Seats counts a licence's seats.
type Seats struct{ Used, Limit int }

func seatsOf(s *license.Stream) Seats { return Seats{Used: s.SeatsUsed(), Limit: s.Policy.Seats()} }

// execute lets a licence decide on a command. A machine's licence key (none for an operator) was the licence's newest when the licence was
// loaded; it is checked again here, because it may have been reissued since.
func (c *Commands) execute(ctx context.Context, req runtime.Request, id uuid.UUID, key LicenseKey,
	command license.Command) (runtime.Result[license.Stream], error) {
	return c.licenses.Execute(ctx, req, id, func(s *license.Stream, now time.Time) ([]event.Payload, error) {
		if err := key.checkGeneration(s); err != nil {
			return nil, err
		}
		return s.Decide(command, now)
	})
}

// actsAsOperator reports whether an operator acts rather than whoever holds the licence key: the limits on moves are the customer's.
func actsAsOperator(ctx context.Context) (bool, error) {
	principal, err := access.From(ctx)
	return principal.Role == access.Admin, err
}

// activationResult describes a machine's place and derives its certificate.
func (c *Commands) activationResult(ctx context.Context, result runtime.Result[license.Stream],
	bound license.BoundMachine) (Activation, error) {
	certificate, err := c.certificate(ctx, result.State, bound)
	if err != nil {
		return Activation{}, err
	}
	state := result.State
	if len(result.Events) == 0 { // due events were not recorded either, so count seats as of now
		state = state.AsOf(c.licenses.Now())
	}
	today, err := c.today(ctx, result, bound.Activation.ID)
	if err != nil {
		return Activation{}, err
	}
	return Activation{
		ID:          bound.Activation.ID,
		BindingID:   bound.Binding.ID,
		LicenseID:   result.State.ID,
		Certificate: certificate,
		ExpiresAt:   bound.Activation.ExpiresAt,
		Seats:       seatsOf(state),
		Outcome:     result.Outcome,
		Today:       today,
	}, nil
}

// today returns how things stand with an activation whose command is repeated; nil when the first answer still holds.
func (c *Commands) today(ctx context.Context, result runtime.Result[license.Stream], id uuid.UUID) (*Today, error) {
	if !result.Replayed {
		return nil, nil
	}
	state, err := c.licenses.Load(ctx, result.State.ID)
	if err != nil {
		return nil, err
	}
	state = state.AsOf(c.licenses.Now())
	today := Today{License: state.Status(), Activation: activation.StatusEnded}
	if bound, found := state.ByActivation(id); found {
		today.Activation = bound.Activation.Status
	}
	if today == (Today{license.StatusActive, activation.StatusActive}) {
		return nil, nil
	}
	return &today, nil
}

// certificate derives the certificate of an activation from the event that determines it: the same event gives the same bytes, however
// often it is asked for.
func (c *Commands) certificate(ctx context.Context, s *license.Stream, bound license.BoundMachine) (string, error) {
	determining := bound.Activation.CertificateEvent
	if signed, ok := c.certificates.GetIfPresent(determining.ID); ok {
		return signed, nil
	}
	signed, err := c.keyring.Certify(ctx, bound.Activation.KeyID, keyring.Certificate{
		Issuer:       c.issuer,
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
		Position:     determining.Position,
		Revision:     determining.Revision,
	})
	if err != nil {
		return "", err
	}
	c.certificates.Set(determining.ID, signed)
	return signed, nil
}
