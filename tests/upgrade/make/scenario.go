package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/tests/upgrade"
)

const (
	ok      = http.StatusOK
	created = http.StatusCreated
	refused = http.StatusUnprocessableEntity
	// decades is a term in days that no test of these fixtures will outlive.
	decades = 20_000
)

// machine shows its components, some of them replaced.
func machine(name string, replaced object) object {
	components := object{
		"cpu": "cpu of " + name, "board": "board of " + name, "bios": "bios of " + name, "disk": "disk of " + name,
		"mac": []string{"02:00:" + name, "02:01:" + name},
	}
	for kind, value := range replaced {
		components[kind] = value
	}
	return object{"name": name + " <ß>", "os": "linux/amd64", "components": components}
}

// soon is when licences end that are to end during the scenario.
func soon() string { return time.Now().Add(3 * time.Second).UTC().Format(time.RFC3339Nano) }

// recordScenario sends everything but the end of the last lease. Nothing in it depends on the date within decades.
func recordScenario(ctx context.Context, client *upgrade.Client) (*recorder, error) {
	p := &recorder{ctx: ctx, client: client}
	cad := p.product("cad", object{"code": "cad", "name": "CAD Suite", "offline_days": decades, "max_machines_per_license": 4,
		"platforms": []string{"linux/amd64"}})
	rsa := p.product("rsa", object{"code": "rsa", "name": "Signed with RSA", "signing_algorithm": "rsa2048", "offline_days": decades})
	team := object{"code": "team", "name": "Team", "type": "PROFESSIONAL", "max_machines": 3, "validity_days": decades,
		"features": object{"export": true, "projects": 50, "edition": "pro ✓"}, "price_minor": 49900, "currency": "EUR", "max_rebinds": 2}
	revised := p.plan(cad, team)
	p.plan(cad, object{"code": "trial", "name": "Trial", "type": "TRIAL", "max_machines": 1, "validity_days": decades,
		"fingerprint_match": "ALL"})
	p.plan(cad, object{"code": "perpetual", "name": "Perpetual", "type": "ENTERPRISE", "max_machines": 100, "fingerprint_match": "ANY"})
	p.plan(cad, object{"code": "first", "name": "From the first activation", "type": "STANDARD", "max_machines": 2,
		"validity_days": decades, "validity_starts": "FIRST_ACTIVATION"})
	p.plan(cad, object{"code": "floating", "name": "Floating", "type": "STANDARD", "max_machines": 2, "lease_seconds": 2_592_000})
	p.plan(cad, object{"code": "shortest", "name": "Shortest lease", "type": "STANDARD", "max_machines": 1, "lease_seconds": 30})
	p.plan(rsa, object{"code": "team", "name": "Team", "type": "STANDARD", "max_machines": 2})
	p.command("register a code that is taken", "/v1/products", true, object{"code": "cad", "name": "Another"}, http.StatusConflict)
	p.command("publish what cannot be", "/v1/products/"+cad+"/plans", true,
		object{"code": "none", "name": "None", "type": "TRIAL", "max_machines": 0}, http.StatusBadRequest)

	p.states()
	p.machines()
	p.floatingSeats()
	p.rotation(cad, rsa)
	p.revision(revised)
	p.people()
	return p, p.err
}

// states brings licences into every state, on every way there is.
func (p *recorder) states() {
	active := p.issue("active", "team", object{"metadata": object{"order": "2024-0815", "ключ": "значение \"\\\n\t",
		"emoji 🦊": "<script>&amp;", "empty": ""}})
	p.ask("active", object{"license_key": active.key, "product": "cad", "entitlements": []string{"export"}, "nonce": "n-1"}, "VALID")
	p.ask("entitlement missing", object{"license_key": active.key, "entitlements": []string{"absent"}}, "ENTITLEMENT_MISSING")
	p.ask("another product", object{"license_key": active.key, "product": "rsa"}, "PRODUCT_MISMATCH")
	p.ask("not activated", object{"license_key": active.key, "machine": machine("none", nil)}, "NOT_ACTIVATED")
	p.ask("mistyped", object{"license_key": "00000-00000-00000-00000-00000"}, "LICENSE_KEY_INVALID")

	perpetual := p.issue("perpetual", "perpetual", object{"max_machines": 2})
	p.ask("perpetual", object{"license_key": perpetual.key}, "VALID")
	p.change(perpetual, "suspend", nil)
	p.change(perpetual, "reinstate", nil)

	suspended := p.issue("suspended", "team", nil)
	p.change(suspended, "suspend", nil)
	p.tryChange(suspended, "suspend", nil, refused)
	p.activate(suspended, machine("late", nil), refused)
	p.ask("suspended", object{"license_key": suspended.key}, "LICENSE_SUSPENDED")

	revoked := p.issue("revoked", "trial", nil)
	p.change(revoked, "revoke", nil)
	p.tryChange(revoked, "renew", object{"extend_days": 3}, refused)
	p.ask("revoked", object{"license_key": revoked.key}, "LICENSE_REVOKED")

	expired := p.issue("expired", "team", object{"expires_at": soon()})
	lifted := p.issue("suspended, expired, renewed", "team", object{"expires_at": soon()})
	shown := p.issue("suspended, expired", "team", object{"expires_at": soon()})
	renewed := p.issue("expired, renewed", "trial", object{"expires_at": soon()})
	p.change(lifted, "suspend", nil)
	p.change(shown, "suspend", nil)
	for _, l := range []license{expired, lifted, shown, renewed} {
		p.await(l, "license.expired.v1")
	}
	p.change(lifted, "renew", object{"extend_days": decades})
	p.change(renewed, "renew", object{"extend_days": decades})
	p.ask("expired", object{"license_key": expired.key}, "LICENSE_EXPIRED")
	p.ask("suspended, expired, renewed", object{"license_key": lifted.key}, "VALID")
	p.ask("suspended, expired", object{"license_key": shown.key}, "LICENSE_EXPIRED")
	p.ask("expired, renewed", object{"license_key": renewed.key}, "VALID")

	reissued := p.issue("key reissued", "team", nil)
	old := reissued.key
	reissued.key = text(p.change(reissued, "reissue-key", nil), "key")
	p.ask("the replaced key", object{"license_key": old}, "LICENSE_KEY_INVALID")
	p.ask("the new key", object{"license_key": reissued.key}, "VALID")
	p.issue("validity not begun", "first", nil)

	p.conditional("renew at another revision", "/v1/licenses/"+active.id+"/renew", true, object{"reason": "early", "extend_days": 1},
		http.StatusPreconditionFailed, map[string]string{"If-Match": `"9"`})
	p.conditional("renew at its revision", "/v1/licenses/"+active.id+"/renew", true, object{"reason": "early", "extend_days": 1}, ok,
		map[string]string{"If-Match": `"1"`})
	p.command("issue under no plan", "/v1/licenses", true, object{"product": "cad", "plan": "none",
		"customer": object{"name": "Ada", "email": "ada@example.com"}}, http.StatusNotFound)
}

// machines binds, rebinds, releases and lets hardware drift.
func (p *recorder) machines() {
	l := p.issue("machines", "team", nil)
	first := p.activate(l, machine("laptop", nil), created)
	second := p.activate(l, machine("desktop", nil), created)
	third := p.activate(l, machine("server", nil), created)
	p.heartbeat(first, l, machine("laptop", object{"disk": "a new disk"}), ok)
	p.ask("drifted", object{"license_key": l.key, "machine": machine("laptop", object{"disk": "a new disk"})}, "VALID")
	p.command("rebind", "/v1/bindings/"+text(second, "binding_id")+"/rebind", false,
		object{"license_key": l.key, "machine": machine("tower", nil), "reason": "replaced"}, ok)
	p.command("rebind to a bound machine", "/v1/bindings/"+text(second, "binding_id")+"/rebind", true,
		object{"machine": machine("laptop", object{"disk": "a new disk"}), "reason": "mistake"}, refused)
	p.ask("rebound", object{"license_key": l.key, "machine": machine("tower", nil)}, "VALID")
	p.ask("rebound away", object{"license_key": l.key, "machine": machine("desktop", nil)}, "FINGERPRINT_MISMATCH")
	p.command("deactivate", "/v1/activations/"+text(third, "activation_id")+"/deactivate", true, object{"reason": "sold"}, ok)
	p.heartbeat(third, l, machine("server", nil), http.StatusNotFound)

	begun := p.issue("validity begun", "first", nil)
	fingerprinted := object{"fingerprint": "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"}
	p.activate(begun, fingerprinted, created)
	p.ask("a ready fingerprint", object{"license_key": begun.key, "machine": fingerprinted}, "VALID")

	signed := p.issue("signed with RSA", "team", object{"product": "rsa"})
	p.activate(signed, machine("rsa", nil), created)
	p.ask("signed with RSA", object{"license_key": signed.key, "machine": machine("rsa", nil)}, "VALID")
}

// floatingSeats has leases that ended and lapsed; a lapse needs an expiry, since the shortest lease outlasts the scenario.
func (p *recorder) floatingSeats() {
	ended := p.issue("floating, ended", "floating", nil)
	seat := p.activate(ended, machine("a", nil), created)
	p.command("end a lease", "/v1/activations/"+text(seat, "activation_id")+"/deactivate", false,
		object{"license_key": ended.key, "reason": "done"}, ok)

	lapsed := p.issue("floating, lapsed", "floating", object{"expires_at": soon()})
	p.activate(lapsed, machine("b", nil), created)
	p.await(lapsed, "activation.lapsed.v1")
	p.await(lapsed, "license.expired.v1")
	p.change(lapsed, "renew", object{"extend_days": decades})
	p.ask("lapsed", object{"license_key": lapsed.key, "machine": machine("b", nil)}, "LEASE_LAPSED")

	p.floating = p.issue("floating, live", "shortest", nil)
}

// rotation replaces signing keys; certificates from before stay good.
func (p *recorder) rotation(products ...string) {
	for _, id := range products {
		p.command("rotate the signing key", "/v1/products/"+id+"/rotate-key", true, object{"reason": "yearly"}, ok)
	}
	after := p.issue("after the rotation", "team", nil)
	p.activate(after, machine("after", nil), created)
	p.ask("after the rotation", object{"license_key": after.key, "machine": machine("after", nil)}, "VALID")

	full := p.issue("full", "trial", nil)
	p.heartbeat(p.activate(full, machine("only", nil), created), full, machine("only", nil), ok)
	p.activate(full, machine("only", nil), ok)
	p.activate(full, machine("one too many", nil), refused)
}

// revision revises a plan; licences from before keep their terms.
func (p *recorder) revision(plan string) {
	p.command("revise the plan", "/v1/plans/"+plan, true, object{"name": "Team 2", "type": "PROFESSIONAL", "max_machines": 1,
		"validity_days": decades,
		"features":      object{"export": false}}, ok)
	l := p.issue("under the revised plan", "team", nil)
	p.ask("under the revised plan", object{"license_key": l.key, "entitlements": []string{"export"}}, "ENTITLEMENT_MISSING")
}

// people issues for a customer who is erased afterwards, and a batch.
func (p *recorder) people() {
	gone := p.issue("for a person who is erased", "perpetual", object{"customer": object{"name": "Erased Person",
		"email": "erased@example.com"}})
	p.activate(gone, machine("of an erased person", nil), created)
	p.ask("of an erased person", object{"license_key": gone.key, "machine": machine("of an erased person", nil)}, "VALID")
	order := func(name, plan string) object {
		return object{"product": "cad", "plan": plan, "customer": object{"name": name, "email": "batch@example.com"}}
	}
	batch := p.command("issue a batch", "/v1/licenses/batch", true, object{"licenses": []object{order("Batch One", "team"),
		order("Batch Two", "nothing"), order("Bätch Three", "trial")}}, ok)
	outcomes, _ := batch["outcomes"].([]any)
	for _, outcome := range outcomes {
		if issued, is := outcome.(object)["license"].(object); is {
			p.licenses = append(p.licenses, text(issued, "id"))
		}
	}
	var page struct {
		Items []struct{ Data json.RawMessage }
	}
	if p.err == nil {
		p.err = p.client.Get(p.ctx, "/v1/ledger/events?limit=1&stream=license-"+gone.id, &page)
	}
	if p.err == nil {
		var issued struct {
			SubjectID uuid.UUID `json:"subject_id"`
		}
		p.err = json.Unmarshal(page.Items[0].Data, &issued)
		p.erased = issued.SubjectID
	}
}

// finish derives the read models again, without the erased person, and leaves a lease that is live.
func (p *recorder) finish(ctx context.Context, client *upgrade.Client) error {
	p.ctx, p.client = ctx, client
	for _, projection := range []string{"licenses", "machines"} {
		if p.err == nil {
			_, p.err = client.Send(ctx, upgrade.Exchange{Method: http.MethodPost, Path: "/v1/projections/" + projection + "/rebuild", Admin: true})
		}
		if p.err == nil {
			p.err = client.Rebuilt(ctx, projection)
		}
	}
	for _, q := range p.questions { // once more, since a rotated key signs new certificates
		if p.err == nil {
			_, p.err = client.Send(ctx, q)
		}
	}
	seat := p.activate(p.floating, machine("live", nil), created)
	p.ask("live when the server stopped", object{"license_key": p.floating.key, "machine": machine("live", nil)}, "VALID")
	if p.err == nil {
		p.leaseEnds, p.err = time.Parse(time.RFC3339Nano, text(seat, "expires_at"))
	}
	if p.err == nil {
		p.head, p.err = client.Head(ctx)
	}
	if p.err == nil {
		p.err = client.Settle(ctx, p.head)
	}
	return p.err
}
