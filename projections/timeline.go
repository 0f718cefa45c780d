package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/machine"
	"github.com/licenseledger/licenseledger/readmodels"
)

// timelineProjector keeps what happened to each licence, readable.
type timelineProjector struct{}

// Definition implements [Projector].
func (timelineProjector) Definition() readmodels.Definition {
	return readmodels.Definition{Name: readmodels.Timeline, Version: 2, Tables: []readmodels.Table{
		{Name: "timeline", Order: []string{"position"}},
		{Name: "timeline_seats", Key: "license_id", Order: []string{"issued_position"}},
	}}
}

// Wants implements [Projector].
func (timelineProjector) Wants(_ event.Type, stream string) bool {
	_, ok := license.IDOf(stream)
	return ok
}

// Project implements [Projector].
func (t timelineProjector) Project(ctx context.Context, e event.Event, rows Rows) error {
	id, ok := license.IDOf(e.Stream)
	if !ok {
		return fmt.Errorf("%w: %s in stream %q", ErrPoison, e.Type, e.Stream)
	}
	if issued, ok := e.Payload.(license.Issued); ok {
		if err := rows.Insert("timeline_seats", readmodels.Values{
			"issued_position": place(e), "license_id": id.String(), "seat_limit": int64(issued.Policy.Seats()),
		}); err != nil {
			return err
		}
	}
	told, err := t.tell(ctx, e, id, rows)
	if err != nil {
		return err
	}
	data, err := open(e)
	if err != nil {
		return err
	}
	return rows.Insert("timeline", readmodels.Values{
		"position":    place(e),
		"event_id":    e.ID.String(),
		"tenant":      e.Tenant,
		"license_id":  id.String(),
		"revision":    revision(e),
		"type":        string(e.Type),
		"recorded_at": micros(e.RecordedAt),
		"actor":       e.Actor,
		"correlation": e.Correlation,
		"reason":      maybeText(told.reason),
		"summary":     told.summary,
		"data":        data,
	})
}

// told is an event for people.
type told struct{ summary, reason string }

func (timelineProjector) tell(ctx context.Context, e event.Event, id uuid.UUID, rows Rows) (told, error) {
	switch p := e.Payload.(type) {
	case license.Issued:
		return told{summary: fmt.Sprintf("License issued for %s on plan %s with %s, %s", p.ProductCode, p.PlanCode, seats(p.Policy.Seats()), term(p))}, nil
	case license.ValidityStarted:
		return told{summary: "Validity began and ends " + at(p.ExpiresAt)}, nil
	case license.Suspended:
		return told{"License suspended", p.Reason}, nil
	case license.Reinstated:
		return told{"License reinstated", p.Reason}, nil
	case license.Renewed:
		return told{"License renewed until " + at(p.ExpiresAt), p.Reason}, nil
	case license.Expired:
		summary := "License expired " + at(p.ExpiredAt)
		if p.LiftsSuspension {
			summary += ", which ended a suspension if there was one"
		}
		return told{summary: summary}, nil
	case license.ExpiryUndone:
		return told{"License had not expired: a wrong clock said so; it is valid until " + at(p.ExpiresAt), p.Reason}, nil
	case license.Revoked:
		return told{"License revoked", p.Reason}, nil
	case license.KeyReissued:
		return told{"License key reissued as generation " + strconv.Itoa(int(p.Generation)), p.Reason}, nil
	case binding.HardwareDrifted:
		return told{summary: fmt.Sprintf("Machine %s came back as %s: %d of %d components match",
			short(p.PreviousFingerprint), short(p.Fingerprint), p.Matched, p.Compared)}, nil
	case activation.Granted:
		return told{summary: fmt.Sprintf("Machine %s was activated until %s", short(p.Fingerprint), at(p.ExpiresAt))}, nil
	case activation.Renewed:
		return told{summary: fmt.Sprintf("Activation of machine %s renewed until %s, %s used", short(p.Fingerprint), at(p.ExpiresAt), seats(p.SeatsUsed))}, nil
	case activation.Lapsed:
		return told{summary: fmt.Sprintf("Lease of binding %.8s… ran out %s, %s used", p.BindingID, at(p.LapsedAt), seats(p.SeatsUsed))}, nil
	case activation.Ended:
		return told{fmt.Sprintf("Activation %.8s… ended", p.ActivationID), p.Reason}, nil
	case binding.MachineRebound:
		return told{fmt.Sprintf("Seat moved from machine %s to %s, %s used", short(p.PreviousFingerprint), short(p.Fingerprint), seats(p.SeatsUsed)), p.Reason}, nil
	case binding.MachineReleased:
		return told{fmt.Sprintf("Binding %.8s… released, %s used", p.BindingID, seats(p.SeatsUsed)), p.Reason}, nil
	case binding.MachineBound:
		limit, err := rows.Number(ctx, "timeline_seats", id.String(), "seat_limit")
		if err != nil {
			return told{}, fmt.Errorf("how many seats the licence has: %w", err)
		}
		return told{summary: fmt.Sprintf("Machine %s took seat %d of %d", short(p.Fingerprint), p.SeatsUsed, limit)}, nil
	default:
		return told{}, fmt.Errorf("%w: the timeline does not know %T", ErrPoison, e.Payload)
	}
}

func term(p license.Issued) string {
	switch {
	case p.ExpiresAt != nil:
		return "until " + at(*p.ExpiresAt)
	case p.Policy.ValidityDays != nil:
		return fmt.Sprintf("for %d days from the first activation", *p.Policy.ValidityDays)
	default:
		return "perpetual"
	}
}

func seats(n int) string {
	if n == 1 {
		return "1 seat"
	}
	return strconv.Itoa(n) + " seats"
}

func short(f machine.Fingerprint) string { return string(f[:min(8, len(f))]) + "…" }

func at(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// open is an event's payload as JSON, sealed personal data left out.
func open(e event.Event) (string, error) {
	var without any
	switch p := e.Payload.(type) {
	case license.Issued:
		without = struct {
			license.Issued
			Customer *struct{} `json:"customer,omitempty"`
		}{Issued: p}
	case binding.MachineBound:
		without = struct {
			binding.MachineBound
			Name *struct{} `json:"name,omitempty"`
		}{MachineBound: p}
	case binding.MachineRebound:
		without = struct {
			binding.MachineRebound
			Name *struct{} `json:"name,omitempty"`
		}{MachineRebound: p}
	default:
		if e.Type == p.EventType() {
			return string(e.Data), nil // as it was written
		}
		without = p
	}
	data, err := json.Marshal(without)
	if err != nil {
		return "", fmt.Errorf("write the payload of %s: %w", e.Type, err)
	}
	return string(data), nil
}
