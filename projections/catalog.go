package projections

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/aggregate"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/readmodels"
)

// catalogProjector keeps products, their signing keys and their plans.
type catalogProjector struct{}

// Definition implements [Projector].
func (catalogProjector) Definition() readmodels.Definition {
	return readmodels.Definition{Name: readmodels.Catalog, Version: 1, Tables: []readmodels.Table{
		{Name: "products", Key: "id", Order: []string{"registered_position"}},
		{Name: "signing_keys", Key: "id", Order: []string{"added_position"}},
		{Name: "plans", Key: "id", Order: []string{"published_position"}},
	}}
}

// Wants implements [Projector].
func (catalogProjector) Wants(t event.Type, _ string) bool {
	switch t {
	case catalog.ProductRegisteredType, catalog.ProductSigningKeyRotatedType, catalog.PlanPublishedType, catalog.PlanRevisedType:
		return true
	default:
		return false
	}
}

// Project implements [Projector].
func (c catalogProjector) Project(_ context.Context, e event.Event, rows Rows) error {
	switch happened := e.Payload.(type) {
	case catalog.ProductRegistered:
		return c.registered(e, happened, rows)
	case catalog.ProductSigningKeyRotated:
		return c.rotated(e, happened, rows)
	case catalog.PlanPublished:
		return c.published(e, happened, rows)
	case catalog.PlanRevised:
		return c.revised(e, happened, rows)
	default:
		return fmt.Errorf("%w: the catalogue does not know %T", ErrPoison, e.Payload)
	}
}

func (catalogProjector) registered(e event.Event, p catalog.ProductRegistered, rows Rows) error {
	platforms, err := text(nonNil(p.Platforms))
	if err != nil {
		return err
	}
	if err := rows.Insert("products", readmodels.Values{
		"registered_position":      place(e),
		"id":                       p.ProductID.String(),
		"tenant":                   e.Tenant,
		"code":                     p.Code,
		"name":                     p.Name,
		"platforms":                platforms,
		"offline_days":             int64(p.OfflineDays),
		"max_machines_per_license": maybeNumber(p.MaxMachinesPerLicense),
		"algorithm":                string(p.SigningKey.Algorithm),
		"signing_key_id":           p.SigningKey.ID,
		"registered_at":            micros(p.RegisteredAt),
		"revision":                 revision(e),
		"position":                 place(e),
	}); err != nil {
		return err
	}
	return addKey(e, p.ProductID, p.SigningKey, micros(p.RegisteredAt), rows)
}

func addKey(e event.Event, product uuid.UUID, key catalog.SigningKey, addedAt int64, rows Rows) error {
	return rows.Insert("signing_keys", readmodels.Values{
		"added_position": place(e),
		"id":             key.ID,
		"tenant":         e.Tenant,
		"product_id":     product.String(),
		"algorithm":      string(key.Algorithm),
		"public":         base64.StdEncoding.EncodeToString(key.Public),
		"added_at":       addedAt,
		"retired_at":     nil,
	})
}

func (catalogProjector) rotated(e event.Event, p catalog.ProductSigningKeyRotated, rows Rows) error {
	product, err := idOf(e, catalog.ProductAggregate().Prefix)
	if err != nil {
		return err
	}
	if err := rows.Update("signing_keys", p.PreviousKeyID, readmodels.Values{"retired_at": micros(p.RotatedAt)}); err != nil {
		return err
	}
	if err := rows.Update("products", product.String(), readmodels.Values{
		"signing_key_id": p.SigningKey.ID,
		"algorithm":      string(p.SigningKey.Algorithm),
		"revision":       revision(e),
		"position":       place(e),
	}); err != nil {
		return err
	}
	return addKey(e, product, p.SigningKey, micros(p.RotatedAt), rows)
}

func (catalogProjector) published(e event.Event, p catalog.PlanPublished, rows Rows) error {
	values, err := terms(p.Terms)
	if err != nil {
		return err
	}
	maps.Copy(values, readmodels.Values{
		"published_position": place(e),
		"id":                 p.PlanID.String(),
		"tenant":             e.Tenant,
		"product_id":         p.ProductID.String(),
		"code":               p.Code,
		"plan_revision":      int64(1),
		"published_at":       micros(p.PublishedAt),
		"revised_at":         nil,
		"revision":           revision(e),
		"position":           place(e),
	})
	return rows.Insert("plans", values)
}

func (catalogProjector) revised(e event.Event, p catalog.PlanRevised, rows Rows) error {
	plan, err := idOf(e, catalog.PlanAggregate().Prefix)
	if err != nil {
		return err
	}
	values, err := terms(p.Terms)
	if err != nil {
		return err
	}
	maps.Copy(values, readmodels.Values{
		"plan_revision": int64(p.PlanRevision),
		"revised_at":    micros(p.RevisedAt),
		"revision":      revision(e),
		"position":      place(e),
	})
	return rows.Update("plans", plan.String(), values)
}

// terms are the columns of a plan that a revision replaces.
func terms(t catalog.Terms) (readmodels.Values, error) {
	features, err := text(nonNilMap(t.Features))
	if err != nil {
		return nil, err
	}
	values := readmodels.Values{
		"name":               t.Name,
		"type":               string(t.Type),
		"max_machines":       int64(t.MaxMachines),
		"validity_days":      maybeNumber(t.ValidityDays),
		"validity_starts":    string(t.ValidityStarts),
		"features":           features,
		"price_minor":        nil,
		"currency":           nil,
		"lease_seconds":      maybeNumber(t.LeaseSeconds),
		"fingerprint_match":  string(t.FingerprintMatch),
		"max_rebinds":        maybeNumber(t.MaxRebinds),
		"rebind_window_days": int64(t.RebindWindowDays),
	}
	if t.Price != nil {
		values["price_minor"], values["currency"] = t.Price.Minor, t.Price.Currency
	}
	return values, nil
}

// text is a value as the JSON that is stored: keys sorted, so that it is the same whenever it is made.
func text(value any) (string, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("write a column as JSON: %w", err)
	}
	return string(data), nil
}

func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return slices.Clone(list)
}

func nonNilMap[M ~map[string]V, V any](m M) M {
	if m == nil {
		return M{}
	}
	return m
}

// idOf returns the id in the name of the event's stream.
func idOf(e event.Event, prefix aggregate.Prefix) (uuid.UUID, error) {
	id, ok := prefix.ID(e.Stream)
	if !ok {
		return uuid.UUID{}, fmt.Errorf("%w: %s in stream %q", ErrPoison, e.Type, e.Stream)
	}
	return id, nil
}
