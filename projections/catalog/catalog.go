// Package catalog projects products, their signing keys and their plans.
package catalog

import (
	"context"
	"encoding/base64"
	"maps"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/aggregate"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/projections/runtime"
	readmodel "github.com/licenseledger/licenseledger/readmodels/catalog"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// Projector returns the projector.
func Projector() runtime.Projector {
	return runtime.Table{
		Of:      readmodel.Definition,
		Streams: []aggregate.Prefix{catalog.ProductAggregate().Prefix, catalog.PlanAggregate().Prefix},
		On: runtime.Reducers(
			runtime.On(productRegistered),
			runtime.On(signingKeyRotated),
			runtime.On(planPublished),
			runtime.On(planRevised),
		),
	}
}

func productRegistered(_ context.Context, e event.Event, _ uuid.UUID, p catalog.ProductRegistered, rows runtime.Rows) error {
	platforms, err := runtime.JSON(append([]string{}, p.Platforms...))
	if err != nil {
		return err
	}
	if err := rows.Insert("products", store.Values{
		"registered_position":      runtime.Position(e),
		"id":                       p.ProductID.String(),
		"tenant":                   e.Tenant,
		"code":                     p.Code,
		"name":                     p.Name,
		"platforms":                platforms,
		"offline_days":             int64(p.OfflineDays),
		"max_machines_per_license": runtime.NullableNumber(p.MaxMachinesPerLicense),
		"algorithm":                string(p.SigningKey.Algorithm),
		"signing_key_id":           p.SigningKey.ID,
		"registered_at":            runtime.Micros(p.RegisteredAt),
		"revision":                 runtime.Revision(e),
		"position":                 runtime.Position(e),
	}); err != nil {
		return err
	}
	return addKey(e, p.ProductID, p.SigningKey, runtime.Micros(p.RegisteredAt), rows)
}

func addKey(e event.Event, product uuid.UUID, key catalog.SigningKey, addedAt int64, rows runtime.Rows) error {
	return rows.Insert("signing_keys", store.Values{
		"added_position": runtime.Position(e),
		"id":             key.ID,
		"tenant":         e.Tenant,
		"product_id":     product.String(),
		"algorithm":      string(key.Algorithm),
		"public":         base64.StdEncoding.EncodeToString(key.Public),
		"added_at":       addedAt,
		"retired_at":     nil,
	})
}

func signingKeyRotated(_ context.Context, e event.Event, product uuid.UUID, p catalog.ProductSigningKeyRotated, rows runtime.Rows) error {
	if err := rows.Update("signing_keys", p.PreviousKeyID, store.Values{"retired_at": runtime.Micros(p.RotatedAt)}); err != nil {
		return err
	}
	if err := rows.Update("products", product.String(), store.Values{
		"signing_key_id": p.SigningKey.ID,
		"algorithm":      string(p.SigningKey.Algorithm),
		"revision":       runtime.Revision(e),
		"position":       runtime.Position(e),
	}); err != nil {
		return err
	}
	return addKey(e, product, p.SigningKey, runtime.Micros(p.RotatedAt), rows)
}

func planPublished(_ context.Context, e event.Event, _ uuid.UUID, p catalog.PlanPublished, rows runtime.Rows) error {
	values, err := terms(p.Terms)
	if err != nil {
		return err
	}
	maps.Copy(values, store.Values{
		"published_position": runtime.Position(e),
		"id":                 p.PlanID.String(),
		"tenant":             e.Tenant,
		"product_id":         p.ProductID.String(),
		"code":               p.Code,
		"plan_revision":      int64(1),
		"published_at":       runtime.Micros(p.PublishedAt),
		"revised_at":         nil,
		"revision":           runtime.Revision(e),
		"position":           runtime.Position(e),
	})
	return rows.Insert("plans", values)
}

func planRevised(_ context.Context, e event.Event, plan uuid.UUID, p catalog.PlanRevised, rows runtime.Rows) error {
	values, err := terms(p.Terms)
	if err != nil {
		return err
	}
	maps.Copy(values, store.Values{
		"plan_revision": int64(p.PlanRevision),
		"revised_at":    runtime.Micros(p.RevisedAt),
		"revision":      runtime.Revision(e),
		"position":      runtime.Position(e),
	})
	return rows.Update("plans", plan.String(), values)
}

// terms are the columns of a plan that a revision replaces.
func terms(t catalog.Terms) (store.Values, error) {
	features, err := runtime.JSON(runtime.NonNilMap(t.Features))
	if err != nil {
		return nil, err
	}
	values := store.Values{
		"name":                       t.Name,
		"type":                       string(t.Type),
		"max_machines":               int64(t.MaxMachines),
		"validity_days":              runtime.NullableNumber(t.ValidityDays),
		"validity_starts":            string(t.ValidityStarts),
		"features":                   features,
		"price_minor":                nil,
		"currency":                   nil,
		"lease_seconds":              runtime.NullableNumber(t.LeaseSeconds),
		"fingerprint_match":          string(t.FingerprintMatch),
		"max_rebinds":                runtime.NullableNumber(t.MaxRebinds),
		"rebind_window_days":         int64(t.RebindWindowDays),
		"rebind_cooldown_seconds":    runtime.NullableNumber(t.RebindCooldownSeconds),
		"daily_activations_per_seat": runtime.NullableNumber(t.DailyActivationsPerSeat),
	}
	if t.Price != nil {
		values["price_minor"], values["currency"] = t.Price.Minor, t.Price.Currency
	}
	return values, nil
}
