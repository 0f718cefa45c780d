// Package machines projects the machines of every licence and their activations.
package machines

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/aggregate"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/projections/runtime"
	readmodel "github.com/licenseledger/licenseledger/readmodels/machines"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// Projector returns the projector.
func Projector(personal runtime.PersonalData) runtime.Projector {
	p := projector{personal}
	return runtime.Table{
		Of:      readmodel.Definition,
		Streams: []aggregate.Prefix{license.Aggregate().Prefix},
		On: runtime.Reducers(
			runtime.On(issued),
			runtime.On(p.bound),
			runtime.On(drifted),
			runtime.On(p.rebound),
			runtime.On(released),
			runtime.On(granted),
			runtime.On(renewed),
			runtime.On(lapsed),
			runtime.On(ended),
		),
		IgnoreOthers: true, // what happens to the licence itself
	}
}

type projector struct{ personal runtime.PersonalData }

func issued(_ context.Context, e event.Event, id uuid.UUID, p license.Issued, rows runtime.Rows) error {
	return rows.Insert("machine_subjects", store.Values{
		"issued_position": runtime.Position(e), "license_id": id.String(), "subject_id": p.SubjectID.String(),
	})
}

func drifted(_ context.Context, e event.Event, _ uuid.UUID, p binding.HardwareDrifted, rows runtime.Rows) error {
	moves := 0
	if p.Moved {
		moves = 1
	}
	return rows.Update("machines", p.BindingID.String(), store.Values{
		"previous_fingerprint": string(p.PreviousFingerprint),
		"fingerprint":          string(p.Fingerprint),
		"last_seen_at":         runtime.Micros(p.DriftedAt),
		"rebind_count":         store.Increment(int64(moves)),
		"drift_count":          store.Increment(1),
		"drift_matched":        int64(p.Matched),
		"drift_compared":       int64(p.Compared),
		"position":             runtime.Position(e),
	})
}

func released(_ context.Context, e event.Event, _ uuid.UUID, p binding.MachineReleased, rows runtime.Rows) error {
	return rows.Update("machines", p.BindingID.String(), store.Values{
		"status":      readmodel.Released,
		"released_at": runtime.Micros(p.ReleasedAt),
		"last_reason": runtime.NullableText(p.Reason),
		"position":    runtime.Position(e),
	})
}

func (m projector) bound(ctx context.Context, e event.Event, id uuid.UUID, p binding.MachineBound, rows runtime.Rows) error {
	name, err := m.name(ctx, id, p.Name, rows)
	if err != nil {
		return err
	}
	return rows.Insert("machines", store.Values{
		"bound_position":       runtime.Position(e),
		"binding_id":           p.BindingID.String(),
		"tenant":               e.Tenant,
		"license_id":           id.String(),
		"fingerprint":          string(p.Fingerprint),
		"previous_fingerprint": nil,
		"os":                   p.OS,
		"name":                 name,
		"status":               readmodel.Bound,
		"bound_at":             runtime.Micros(p.BoundAt),
		"last_seen_at":         runtime.Micros(p.BoundAt),
		"released_at":          nil,
		"drift_count":          int64(0),
		"drift_matched":        nil,
		"drift_compared":       nil,
		"rebind_count":         int64(0),
		"activation_id":        nil,
		"last_reason":          nil,
		"position":             runtime.Position(e),
	})
}

func (m projector) rebound(ctx context.Context, e event.Event, id uuid.UUID, p binding.MachineRebound, rows runtime.Rows) error {
	name, err := m.name(ctx, id, p.Name, rows)
	if err != nil {
		return err
	}
	return rows.Update("machines", p.BindingID.String(), store.Values{
		"previous_fingerprint": string(p.PreviousFingerprint),
		"fingerprint":          string(p.Fingerprint),
		"os":                   p.OS,
		"name":                 name,
		"status":               readmodel.Bound,
		"last_seen_at":         runtime.Micros(p.ReboundAt),
		"rebind_count":         store.Increment(1),
		"last_reason":          runtime.NullableText(p.Reason),
		"position":             runtime.Position(e),
	})
}

func granted(_ context.Context, e event.Event, id uuid.UUID, p activation.Granted, rows runtime.Rows) error {
	if err := rows.Insert("activations", store.Values{
		"granted_position": runtime.Position(e),
		"id":               p.ActivationID.String(),
		"tenant":           e.Tenant,
		"license_id":       id.String(),
		"binding_id":       p.BindingID.String(),
		"status":           readmodel.ActivationActive,
		"granted_at":       runtime.Micros(p.GrantedAt),
		"renewed_at":       nil,
		"expires_at":       runtime.Micros(p.ExpiresAt),
		"lapses_at":        lapsesAt(p.Floating, p.ExpiresAt),
		"ended_at":         nil,
		"last_reason":      nil,
		"position":         runtime.Position(e),
	}); err != nil {
		return err
	}
	return rows.Update("machines", p.BindingID.String(), store.Values{
		"activation_id": p.ActivationID.String(), "status": readmodel.Bound,
		"last_seen_at": runtime.Micros(p.GrantedAt), "position": runtime.Position(e),
	})
}

func renewed(_ context.Context, e event.Event, _ uuid.UUID, p activation.Renewed, rows runtime.Rows) error {
	if err := rows.Update("activations", p.ActivationID.String(), store.Values{
		"status": readmodel.ActivationActive, "renewed_at": runtime.Micros(p.RenewedAt), "expires_at": runtime.Micros(p.ExpiresAt),
		"lapses_at": lapsesAt(p.Floating, p.ExpiresAt), "position": runtime.Position(e),
	}); err != nil {
		return err
	}
	return rows.Update("machines", p.BindingID.String(), store.Values{
		"status": readmodel.Bound, "last_seen_at": runtime.Micros(p.RenewedAt), "position": runtime.Position(e),
	})
}

func lapsed(_ context.Context, e event.Event, _ uuid.UUID, p activation.Lapsed, rows runtime.Rows) error {
	if err := rows.Update("activations", p.ActivationID.String(), store.Values{
		"status": readmodel.ActivationLapsed, "lapses_at": nil, "position": runtime.Position(e),
	}); err != nil {
		return err
	}
	return rows.Update("machines", p.BindingID.String(), store.Values{"status": readmodel.Idle, "position": runtime.Position(e)})
}

func ended(_ context.Context, e event.Event, _ uuid.UUID, p activation.Ended, rows runtime.Rows) error {
	return rows.Update("activations", p.ActivationID.String(), store.Values{
		"status": readmodel.ActivationEnded, "ended_at": runtime.Micros(p.EndedAt), "lapses_at": nil,
		"last_reason": runtime.NullableText(p.Reason), "position": runtime.Position(e),
	})
}

// lapsesAt is when a lease ends unless it is renewed, as stored: nil for an activation that is locked to its machine.
func lapsesAt(floating bool, expires time.Time) any {
	if !floating {
		return nil
	}
	return runtime.Micros(expires)
}

// name returns a machine's host name as stored: nil when none was given or the person was erased.
func (m projector) name(ctx context.Context, licenseID uuid.UUID, sealed []byte, rows runtime.Rows) (any, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	text, err := rows.Text(ctx, "machine_subjects", licenseID.String(), "subject_id")
	if err != nil {
		return nil, fmt.Errorf("find the person of the licence: %w", err)
	}
	subject, err := uuid.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("find the person of the licence: %w", err)
	}
	name, err := m.personal.Open(ctx, subject, sealed)
	if err != nil || name == nil {
		return nil, err
	}
	return string(name), nil
}
