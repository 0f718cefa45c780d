package projections

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/readmodels"
)

// licensesProjector keeps the licences and the words they are found by. suspended_at, expired_at and revoked_at are independent facts;
// the table computes the status, which is the gravest of them.
type licensesProjector struct{ personal PersonalData }

// Definition implements [Projector].
func (licensesProjector) Definition() readmodels.Definition {
	return readmodels.Definition{Name: readmodels.Licenses, Version: 2, Tables: []readmodels.Table{
		{Name: "license_words", Order: []string{"tenant", "word", "issued_position"}},
		{Name: "licenses", Key: "id", Order: []string{"issued_position"}},
	}}
}

// Wants implements [Projector].
func (licensesProjector) Wants(_ event.Type, stream string) bool {
	_, ok := license.IDOf(stream)
	return ok
}

// Project implements [Projector].
func (l licensesProjector) Project(ctx context.Context, e event.Event, rows Rows) error {
	if issued, ok := e.Payload.(license.Issued); ok {
		return l.issued(ctx, e, issued, rows)
	}
	id, ok := license.IDOf(e.Stream)
	if !ok {
		return fmt.Errorf("%w: %s in stream %q", ErrPoison, e.Type, e.Stream)
	}
	changed, err := licenseAfter(e)
	if err != nil {
		return err
	}
	changed["revision"], changed["position"] = revision(e), place(e)
	return rows.Update("licenses", id.String(), changed)
}

// licenseAfter is what an event after the first changes of a licence.
func licenseAfter(e event.Event) (readmodels.Values, error) {
	switch happened := e.Payload.(type) {
	case license.ValidityStarted:
		return readmodels.Values{"expires_at": micros(happened.ExpiresAt)}, nil
	case license.Suspended:
		return readmodels.Values{"suspended_at": micros(happened.SuspendedAt), "last_reason": maybeText(happened.Reason)}, nil
	case license.Reinstated:
		return readmodels.Values{"suspended_at": nil, "last_reason": maybeText(happened.Reason)}, nil
	case license.Renewed:
		return readmodels.Values{"expires_at": micros(happened.ExpiresAt), "expired_at": nil, "last_reason": maybeText(happened.Reason)}, nil
	case license.Expired:
		changed := readmodels.Values{"expired_at": micros(happened.ExpiredAt)}
		if happened.LiftsSuspension {
			changed["suspended_at"] = nil
		}
		return changed, nil
	case license.ExpiryUndone:
		return readmodels.Values{"expired_at": nil, "last_reason": maybeText(happened.Reason)}, nil
	case license.Revoked:
		return readmodels.Values{"revoked_at": micros(happened.RevokedAt), "last_reason": maybeText(happened.Reason)}, nil
	case license.KeyReissued:
		return readmodels.Values{"key_generation": int64(happened.Generation), "last_reason": maybeText(happened.Reason)}, nil
	case binding.MachineBound:
		return readmodels.Values{"seats_used": int64(happened.SeatsUsed)}, nil
	case binding.MachineRebound:
		return readmodels.Values{"seats_used": int64(happened.SeatsUsed)}, nil
	case binding.MachineReleased:
		return readmodels.Values{"seats_used": int64(happened.SeatsUsed)}, nil
	case activation.Renewed:
		return readmodels.Values{"seats_used": int64(happened.SeatsUsed)}, nil
	case activation.Lapsed:
		return readmodels.Values{"seats_used": int64(happened.SeatsUsed)}, nil
	case binding.HardwareDrifted, activation.Granted, activation.Ended:
		return readmodels.Values{}, nil
	default:
		return nil, fmt.Errorf("%w: licences do not know %T", ErrPoison, e.Payload)
	}
}

func (l licensesProjector) issued(ctx context.Context, e event.Event, p license.Issued, rows Rows) error {
	customer, err := l.customer(ctx, p.SubjectID, p.Customer)
	if err != nil {
		return err
	}
	metadata, err := text(nonNilMap(p.Metadata))
	if err != nil {
		return err
	}
	features, err := text(nonNilMap(p.Policy.Features))
	if err != nil {
		return err
	}
	words := wordsOf(p, customer)
	values := readmodels.Values{
		"issued_position":    place(e),
		"id":                 p.LicenseID.String(),
		"tenant":             e.Tenant,
		"product_id":         p.ProductID.String(),
		"product_code":       p.ProductCode,
		"plan_id":            p.PlanID.String(),
		"plan_code":          p.PlanCode,
		"plan_revision":      int64(p.PlanRevision),
		"plan_type":          string(p.Policy.PlanType),
		"subject_id":         p.SubjectID.String(),
		"metadata":           metadata,
		"features":           features,
		"seats_used":         int64(0),
		"seat_limit":         int64(p.Policy.Seats()),
		"lease_seconds":      maybeNumber(p.Policy.LeaseSeconds),
		"offline_days":       int64(p.Policy.OfflineDays),
		"fingerprint_match":  string(p.Policy.FingerprintMatch),
		"max_rebinds":        maybeNumber(p.Policy.MaxRebinds),
		"rebind_window_days": int64(p.Policy.RebindWindowDays),
		"key_generation":     int64(p.KeyGeneration),
		"issued_at":          micros(p.IssuedAt),
		"expires_at":         maybeMicros(p.ExpiresAt),
		"validity_days":      maybeNumber(p.Policy.ValidityDays),
		"validity_starts":    string(p.Policy.ValidityStarts),
		"suspended_at":       nil,
		"expired_at":         nil,
		"revoked_at":         nil,
		"last_reason":        nil,
		"words":              " " + strings.Join(words, " ") + " ",
		"revision":           revision(e),
		"position":           place(e),
	}
	maps.Copy(values, customerColumns(customer))
	if err := rows.Insert("licenses", values); err != nil {
		return err
	}
	for _, word := range words {
		if err := rows.Insert("license_words", readmodels.Values{"tenant": e.Tenant, "word": word, "issued_position": place(e)}); err != nil {
			return err
		}
	}
	return nil
}

// customer returns to whom a licence was issued, or nil when the person was erased.
func (l licensesProjector) customer(ctx context.Context, subject uuid.UUID, sealed []byte) (*license.Customer, error) {
	data, err := l.personal.open(ctx, subject, sealed)
	if err != nil || data == nil {
		return nil, err
	}
	var customer license.Customer
	if err := json.Unmarshal(data, &customer); err != nil {
		return nil, fmt.Errorf("%w: the sealed customer is not readable", ErrPoison) // the cause might quote the person
	}
	return &customer, nil
}

func customerColumns(customer *license.Customer) readmodels.Values {
	if customer == nil {
		return readmodels.Values{"customer_name": nil, "customer_email": nil, "customer_name_key": "", "customer_email_key": ""}
	}
	return readmodels.Values{
		"customer_name":      customer.Name,
		"customer_email":     customer.Email,
		"customer_name_key":  readmodels.Fold(customer.Name),
		"customer_email_key": readmodels.Fold(customer.Email),
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
	return append([]string{p.LicenseID.String()}, readmodels.Words(texts...)...)
}
