// Package timeline projects what happened to each licence, readable for people.
package timeline

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/aggregate"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/machine"
	"github.com/licenseledger/licenseledger/projections/runtime"
	"github.com/licenseledger/licenseledger/readmodels/store"
	readmodel "github.com/licenseledger/licenseledger/readmodels/timeline"
)

// entry is an event for people.
type entry struct{ summary, reason string }

// Projector returns the projector. An event without a description here is listed by its name.
func Projector() runtime.Projector {
	return runtime.Table{
		Of:      readmodel.Definition,
		Streams: []aggregate.Prefix{license.Aggregate().Prefix},
		On: runtime.Reducers(
			runtime.On(issued),
			described(func(p license.ValidityStarted) entry {
				return entry{summary: "Validity began and ends " + formatTime(p.ExpiresAt)}
			}),
			described(func(p license.Suspended) entry { return entry{"License suspended", p.Reason} }),
			described(func(p license.Reinstated) entry { return entry{"License reinstated", p.Reason} }),
			described(func(p license.Renewed) entry {
				return entry{"License renewed until " + formatTime(p.ExpiresAt), p.Reason}
			}),
			described(expired),
			described(func(p license.ExpiryUndone) entry {
				return entry{"License had not expired: a wrong clock said so; it is valid until " + formatTime(p.ExpiresAt), p.Reason}
			}),
			described(func(p license.Revoked) entry { return entry{"License revoked", p.Reason} }),
			described(func(p license.KeyReissued) entry {
				return entry{"License key reissued as generation " + strconv.Itoa(int(p.Generation)), p.Reason}
			}),
			runtime.On(machineBound),
			described(func(p binding.HardwareDrifted) entry {
				if p.Moved {
					return entry{summary: fmt.Sprintf("Machine %s changed step by step into another one, %s",
						shortHash(p.PreviousFingerprint), shortHash(p.Fingerprint))}
				}
				return entry{summary: fmt.Sprintf("Machine %s came back as %s: %d of %d components match",
					shortHash(p.PreviousFingerprint), shortHash(p.Fingerprint), p.Matched, p.Compared)}
			}),
			described(func(p binding.MachineRebound) entry {
				return entry{fmt.Sprintf("Seat moved from machine %s to %s, %s used",
					shortHash(p.PreviousFingerprint), shortHash(p.Fingerprint), seats(p.SeatsUsed)), p.Reason}
			}),
			described(func(p binding.MachineReleased) entry {
				return entry{fmt.Sprintf("Binding %.8s… released, %s used", p.BindingID, seats(p.SeatsUsed)), p.Reason}
			}),
			described(func(p activation.Granted) entry {
				return entry{summary: fmt.Sprintf("Machine %s was activated until %s", shortHash(p.Fingerprint), formatTime(p.ExpiresAt))}
			}),
			described(func(p activation.Renewed) entry {
				return entry{summary: fmt.Sprintf("Activation of machine %s renewed until %s, %s used",
					shortHash(p.Fingerprint), formatTime(p.ExpiresAt), seats(p.SeatsUsed))}
			}),
			described(func(p activation.Lapsed) entry {
				return entry{summary: fmt.Sprintf("Lease of binding %.8s… ran out %s, %s used", p.BindingID, formatTime(p.LapsedAt),
					seats(p.SeatsUsed))}
			}),
			described(func(p activation.Ended) entry {
				return entry{fmt.Sprintf("Activation %.8s… ended", p.ActivationID), p.Reason}
			}),
		),
		Otherwise: func(_ context.Context, e event.Event, id uuid.UUID, rows runtime.Rows) error {
			return insert(e, id, named(e), rows)
		},
	}
}

// described is the reducer of an event whose entry follows from its payload.
func described[P event.Payload](describe func(P) entry) runtime.TypedReducer {
	return runtime.On(func(_ context.Context, e event.Event, id uuid.UUID, payload P, rows runtime.Rows) error {
		return insert(e, id, describe(payload), rows)
	})
}

func insert(e event.Event, id uuid.UUID, described entry, rows runtime.Rows) error {
	data, err := redacted(e)
	if err != nil {
		return err
	}
	return rows.Insert("timeline", store.Values{
		"position":    runtime.Position(e),
		"event_id":    e.ID.String(),
		"tenant":      e.Tenant,
		"license_id":  id.String(),
		"revision":    runtime.Revision(e),
		"type":        string(e.Type),
		"recorded_at": runtime.Micros(e.RecordedAt),
		"actor":       e.Actor,
		"correlation": e.Correlation,
		"reason":      runtime.NullableText(described.reason),
		"summary":     described.summary,
		"data":        data,
	})
}

// named describes an event by its name, such as "License noted" for license.noted.v1, and by the reason that its payload holds, if any.
func named(e event.Event) entry {
	name, _, _ := strings.Cut(strings.NewReplacer(".v", "\x00", ".", " ", "_", " ").Replace(string(e.Type)), "\x00")
	var with struct {
		Reason string `json:"reason"`
	}
	_ = json.Unmarshal(e.Data, &with) // a payload without such a reason has none
	return entry{strings.ToUpper(name[:1]) + name[1:], with.Reason}
}

func issued(_ context.Context, e event.Event, id uuid.UUID, p license.Issued, rows runtime.Rows) error {
	if err := rows.Insert("timeline_seats", store.Values{
		"issued_position": runtime.Position(e), "license_id": id.String(), "seat_limit": int64(p.Policy.Seats()),
	}); err != nil {
		return err
	}
	summary := fmt.Sprintf("License issued for %s on plan %s with %s, %s", p.ProductCode, p.PlanCode, seats(p.Policy.Seats()), term(p))
	return insert(e, id, entry{summary: summary}, rows)
}

func machineBound(ctx context.Context, e event.Event, id uuid.UUID, p binding.MachineBound, rows runtime.Rows) error {
	limit, err := rows.Number(ctx, "timeline_seats", id.String(), "seat_limit")
	if err != nil {
		return fmt.Errorf("find the seat limit of the licence: %w", err)
	}
	return insert(e, id, entry{summary: fmt.Sprintf("Machine %s took seat %d of %d", shortHash(p.Fingerprint), p.SeatsUsed, limit)}, rows)
}

func expired(p license.Expired) entry {
	summary := "License expired " + formatTime(p.ExpiredAt)
	if p.LiftsSuspension {
		summary += ", which ended a suspension if there was one"
	}
	return entry{summary: summary}
}

func term(p license.Issued) string {
	switch {
	case p.ExpiresAt != nil:
		return "until " + formatTime(*p.ExpiresAt)
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

func shortHash(f machine.Fingerprint) string { return string(f[:min(8, len(f))]) + "…" }

func formatTime(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// redacted is an event's payload as JSON, sealed personal data left out.
func redacted(e event.Event) (string, error) {
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
