package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/readmodels"
)

// machinesProjector keeps the machines of every licence and their activations.
type machinesProjector struct{ personal PersonalData }

// Definition implements [Projector].
func (machinesProjector) Definition() readmodels.Definition {
	return readmodels.Definition{Name: readmodels.Machines, Version: 1, Tables: []readmodels.Table{
		{Name: "machines", Key: "binding_id", Order: []string{"bound_position"}},
		{Name: "activations", Key: "id", Order: []string{"granted_position"}},
		{Name: "machine_subjects", Key: "license_id", Order: []string{"issued_position"}},
	}}
}

// Wants implements [Projector].
func (machinesProjector) Wants(t event.Type, _ string) bool {
	switch t {
	case license.IssuedType,
		binding.MachineBoundType, binding.HardwareDriftedType, binding.MachineReboundType, binding.MachineReleasedType,
		activation.GrantedType, activation.RenewedType, activation.LapsedType, activation.EndedType:
		return true
	default:
		return false
	}
}

// Project implements [Projector].
func (m machinesProjector) Project(ctx context.Context, e event.Event, rows Rows) error {
	id, ok := license.IDOf(e.Stream)
	if !ok {
		return fmt.Errorf("%w: %s in stream %q", ErrPoison, e.Type, e.Stream)
	}
	switch happened := e.Payload.(type) {
	case license.Issued:
		return rows.Insert("machine_subjects", readmodels.Values{
			"issued_position": place(e), "license_id": id.String(), "subject_id": happened.SubjectID.String(),
		})
	case binding.MachineBound:
		return m.bound(ctx, e, id, happened, rows)
	case binding.HardwareDrifted:
		return rows.Update("machines", happened.BindingID.String(), readmodels.Values{
			"previous_fingerprint": string(happened.PreviousFingerprint),
			"fingerprint":          string(happened.Fingerprint),
			"last_seen_at":         micros(happened.DriftedAt),
			"drift_count":          readmodels.Increment(1),
			"drift_matched":        int64(happened.Matched),
			"drift_compared":       int64(happened.Compared),
			"position":             place(e),
		})
	case binding.MachineRebound:
		return m.rebound(ctx, e, id, happened, rows)
	case binding.MachineReleased:
		return rows.Update("machines", happened.BindingID.String(), readmodels.Values{
			"status":      readmodels.MachineReleased,
			"released_at": micros(happened.ReleasedAt),
			"last_reason": maybeText(happened.Reason),
			"position":    place(e),
		})
	default:
		return m.activation(e, id, rows)
	}
}

func (m machinesProjector) bound(ctx context.Context, e event.Event, id uuid.UUID, p binding.MachineBound, rows Rows) error {
	name, err := m.name(ctx, id, p.Name, rows)
	if err != nil {
		return err
	}
	return rows.Insert("machines", readmodels.Values{
		"bound_position":       place(e),
		"binding_id":           p.BindingID.String(),
		"tenant":               e.Tenant,
		"license_id":           id.String(),
		"fingerprint":          string(p.Fingerprint),
		"previous_fingerprint": nil,
		"os":                   p.OS,
		"name":                 name,
		"status":               readmodels.MachineBound,
		"bound_at":             micros(p.BoundAt),
		"last_seen_at":         micros(p.BoundAt),
		"released_at":          nil,
		"drift_count":          int64(0),
		"drift_matched":        nil,
		"drift_compared":       nil,
		"rebind_count":         int64(0),
		"activation_id":        nil,
		"last_reason":          nil,
		"position":             place(e),
	})
}

func (m machinesProjector) rebound(ctx context.Context, e event.Event, id uuid.UUID, p binding.MachineRebound, rows Rows) error {
	name, err := m.name(ctx, id, p.Name, rows)
	if err != nil {
		return err
	}
	return rows.Update("machines", p.BindingID.String(), readmodels.Values{
		"previous_fingerprint": string(p.PreviousFingerprint),
		"fingerprint":          string(p.Fingerprint),
		"os":                   p.OS,
		"name":                 name,
		"status":               readmodels.MachineBound,
		"last_seen_at":         micros(p.ReboundAt),
		"rebind_count":         readmodels.Increment(1),
		"last_reason":          maybeText(p.Reason),
		"position":             place(e),
	})
}

// activation projects the events of a machine's activation.
func (machinesProjector) activation(e event.Event, id uuid.UUID, rows Rows) error {
	switch happened := e.Payload.(type) {
	case activation.Granted:
		if err := rows.Insert("activations", readmodels.Values{
			"granted_position": place(e),
			"id":               happened.ActivationID.String(),
			"tenant":           e.Tenant,
			"license_id":       id.String(),
			"binding_id":       happened.BindingID.String(),
			"status":           readmodels.ActivationActive,
			"granted_at":       micros(happened.GrantedAt),
			"renewed_at":       nil,
			"expires_at":       micros(happened.ExpiresAt),
			"lapses_at":        lapsesAt(happened.Floating, happened.ExpiresAt),
			"ended_at":         nil,
			"last_reason":      nil,
			"position":         place(e),
		}); err != nil {
			return err
		}
		return rows.Update("machines", happened.BindingID.String(), readmodels.Values{
			"activation_id": happened.ActivationID.String(), "status": readmodels.MachineBound,
			"last_seen_at": micros(happened.GrantedAt), "position": place(e),
		})
	case activation.Renewed:
		if err := rows.Update("activations", happened.ActivationID.String(), readmodels.Values{
			"status": readmodels.ActivationActive, "renewed_at": micros(happened.RenewedAt), "expires_at": micros(happened.ExpiresAt),
			"lapses_at": lapsesAt(happened.Floating, happened.ExpiresAt), "position": place(e),
		}); err != nil {
			return err
		}
		return rows.Update("machines", happened.BindingID.String(), readmodels.Values{
			"status": readmodels.MachineBound, "last_seen_at": micros(happened.RenewedAt), "position": place(e),
		})
	case activation.Lapsed:
		if err := rows.Update("activations", happened.ActivationID.String(), readmodels.Values{
			"status": readmodels.ActivationLapsed, "lapses_at": nil, "position": place(e),
		}); err != nil {
			return err
		}
		return rows.Update("machines", happened.BindingID.String(), readmodels.Values{"status": readmodels.MachineIdle, "position": place(e)})
	case activation.Ended:
		return rows.Update("activations", happened.ActivationID.String(), readmodels.Values{
			"status": readmodels.ActivationEnded, "ended_at": micros(happened.EndedAt), "lapses_at": nil,
			"last_reason": maybeText(happened.Reason), "position": place(e),
		})
	default:
		return fmt.Errorf("%w: machines do not know %T", ErrPoison, e.Payload)
	}
}

// lapsesAt is when a lease ends unless it is renewed, as stored: nil for an activation that is locked to its machine.
func lapsesAt(floating bool, expires time.Time) any {
	if !floating {
		return nil
	}
	return micros(expires)
}

// name returns a machine's host name as stored: nil when none was given or the person was erased.
func (m machinesProjector) name(ctx context.Context, licenseID uuid.UUID, sealed []byte, rows Rows) (any, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	text, err := rows.Text(ctx, "machine_subjects", licenseID.String(), "subject_id")
	if err != nil {
		return nil, fmt.Errorf("whose machine it is: %w", err)
	}
	subject, err := uuid.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("whose machine it is: %w", err)
	}
	name, err := m.personal.open(ctx, subject, sealed)
	if err != nil || name == nil {
		return nil, err
	}
	return string(name), nil
}
