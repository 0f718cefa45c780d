// Package licenses projects licences, and the words they are found by.
package licenses

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/aggregate"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/projections/runtime"
	readmodel "github.com/licenseledger/licenseledger/readmodels/licenses"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// Projector returns the projector. suspended_at, expired_at and revoked_at are independent facts; the table computes the status, which is
// the gravest of them. Every event of a licence moves its revision, whatever else it does.
func Projector(personal runtime.PersonalData) runtime.Projector {
	return runtime.Table{
		Of:      readmodel.Definition,
		Streams: []aggregate.Prefix{license.Aggregate().Prefix},
		On: runtime.Reducers(
			runtime.On(projector{personal}.issued),
			updated(func(p license.ValidityStarted) store.Values {
				return store.Values{"expires_at": runtime.Micros(p.ExpiresAt)}
			}),
			updated(func(p license.Suspended) store.Values {
				return store.Values{"suspended_at": runtime.Micros(p.SuspendedAt), "last_reason": runtime.NullableText(p.Reason)}
			}),
			updated(func(p license.Reinstated) store.Values {
				return store.Values{"suspended_at": nil, "last_reason": runtime.NullableText(p.Reason)}
			}),
			updated(func(p license.Renewed) store.Values {
				return store.Values{
					"expires_at": runtime.Micros(p.ExpiresAt), "expired_at": nil, "last_reason": runtime.NullableText(p.Reason),
				}
			}),
			updated(expired),
			updated(func(p license.ExpiryUndone) store.Values {
				return store.Values{"expired_at": nil, "last_reason": runtime.NullableText(p.Reason)}
			}),
			updated(func(p license.Revoked) store.Values {
				return store.Values{"revoked_at": runtime.Micros(p.RevokedAt), "last_reason": runtime.NullableText(p.Reason)}
			}),
			updated(func(p license.KeyReissued) store.Values {
				return store.Values{"key_generation": int64(p.Generation), "last_reason": runtime.NullableText(p.Reason)}
			}),
			updated(func(p binding.MachineBound) store.Values { return seatsUsed(p.SeatsUsed) }),
			updated(func(p binding.MachineRebound) store.Values { return seatsUsed(p.SeatsUsed) }),
			updated(func(p binding.MachineReleased) store.Values { return seatsUsed(p.SeatsUsed) }),
			updated(func(p activation.Renewed) store.Values { return seatsUsed(p.SeatsUsed) }),
			updated(func(p activation.Lapsed) store.Values { return seatsUsed(p.SeatsUsed) }),
		),
		Otherwise: func(_ context.Context, e event.Event, id uuid.UUID, rows runtime.Rows) error {
			return update(e, id, store.Values{}, rows)
		},
	}
}

// updated is the reducer of an event that changes some columns of its licence.
func updated[P event.Payload](columns func(P) store.Values) runtime.TypedReducer {
	return runtime.On(func(_ context.Context, e event.Event, id uuid.UUID, payload P, rows runtime.Rows) error {
		return update(e, id, columns(payload), rows)
	})
}

func update(e event.Event, id uuid.UUID, columns store.Values, rows runtime.Rows) error {
	columns["revision"], columns["position"] = runtime.Revision(e), runtime.Position(e)
	return rows.Update("licenses", id.String(), columns)
}

func expired(p license.Expired) store.Values {
	columns := store.Values{"expired_at": runtime.Micros(p.ExpiredAt)}
	if p.LiftsSuspension {
		columns["suspended_at"] = nil
	}
	return columns
}

func seatsUsed(n int) store.Values { return store.Values{"seats_used": int64(n)} }

type projector struct{ personal runtime.PersonalData }

func (l projector) issued(ctx context.Context, e event.Event, _ uuid.UUID, p license.Issued, rows runtime.Rows) error {
	customer, err := l.customer(ctx, p.SubjectID, p.Customer)
	if err != nil {
		return err
	}
	metadata, err := runtime.JSON(runtime.NonNilMap(p.Metadata))
	if err != nil {
		return err
	}
	features, err := runtime.JSON(runtime.NonNilMap(p.Policy.Features))
	if err != nil {
		return err
	}
	words := wordsOf(p, customer)
	values := store.Values{
		"issued_position":            runtime.Position(e),
		"id":                         p.LicenseID.String(),
		"tenant":                     e.Tenant,
		"product_id":                 p.ProductID.String(),
		"product_code":               p.ProductCode,
		"plan_id":                    p.PlanID.String(),
		"plan_code":                  p.PlanCode,
		"plan_revision":              int64(p.PlanRevision),
		"plan_type":                  string(p.Policy.PlanType),
		"subject_id":                 p.SubjectID.String(),
		"metadata":                   metadata,
		"features":                   features,
		"seats_used":                 int64(0),
		"seat_limit":                 int64(p.Policy.Seats()),
		"lease_seconds":              runtime.NullableNumber(p.Policy.LeaseSeconds),
		"offline_days":               int64(p.Policy.OfflineDays),
		"fingerprint_match":          string(p.Policy.FingerprintMatch),
		"max_rebinds":                runtime.NullableNumber(p.Policy.MaxRebinds),
		"rebind_window_days":         int64(p.Policy.RebindWindowDays),
		"rebind_cooldown_seconds":    runtime.NullableNumber(p.Policy.RebindCooldownSeconds),
		"daily_activations_per_seat": runtime.NullableNumber(p.Policy.DailyActivationsPerSeat),
		"key_generation":             int64(p.KeyGeneration),
		"issued_at":                  runtime.Micros(p.IssuedAt),
		"expires_at":                 runtime.NullableMicros(p.ExpiresAt),
		"validity_days":              runtime.NullableNumber(p.Policy.ValidityDays),
		"validity_starts":            string(p.Policy.ValidityStarts),
		"suspended_at":               nil,
		"expired_at":                 nil,
		"revoked_at":                 nil,
		"last_reason":                nil,
		"words":                      " " + strings.Join(words, " ") + " ",
		"revision":                   runtime.Revision(e),
		"position":                   runtime.Position(e),
	}
	maps.Copy(values, customerColumns(customer))
	if err := rows.Insert("licenses", values); err != nil {
		return err
	}
	for _, word := range words {
		if err := rows.Insert("license_words",
			store.Values{"tenant": e.Tenant, "word": word, "issued_position": runtime.Position(e)}); err != nil {
			return err
		}
	}
	return nil
}

// customer returns to whom a licence was issued, or nil when the person was erased.
func (l projector) customer(ctx context.Context, subject uuid.UUID, sealed []byte) (*license.Customer, error) {
	data, err := l.personal.Open(ctx, subject, sealed)
	if err != nil || data == nil {
		return nil, err
	}
	var customer license.Customer
	if err := json.Unmarshal(data, &customer); err != nil {
		return nil, fmt.Errorf("%w: the sealed customer is not readable", runtime.ErrPoison) // the cause might quote the person
	}
	return &customer, nil
}

func customerColumns(customer *license.Customer) store.Values {
	if customer == nil {
		return store.Values{"customer_name": nil, "customer_email": nil, "customer_name_key": "", "customer_email_key": ""}
	}
	return store.Values{
		"customer_name":      customer.Name,
		"customer_email":     customer.Email,
		"customer_name_key":  readmodel.CaseFold(customer.Name),
		"customer_email_key": readmodel.CaseFold(customer.Email),
	}
}

// wordsOf are the words a licence is found by, the most telling first: there may be more than are kept.
func wordsOf(p license.Issued, customer *license.Customer) []string {
	var texts []string
	if customer != nil {
		texts = append(texts, customer.Email, customer.Name)
	}
	texts = append(texts, p.ProductCode, p.PlanCode)
	for _, name := range slices.Sorted(maps.Keys(p.Metadata)) {
		texts = append(texts, p.Metadata[name])
	}
	return append([]string{p.LicenseID.String()}, readmodel.Words(texts...)...)
}
