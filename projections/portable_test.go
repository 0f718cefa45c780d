package projections_test

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/idempotency"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/projections/runtime"
	"github.com/licenseledger/licenseledger/readmodels/store"
)

// everything is one event of every kind, each as telling as it can be.
func everything() []event.Payload {
	return []event.Payload{
		registered(), catalog.ProductSigningKeyRotated{SigningKey: signingKey(2), PreviousKeyID: "key-1"},
		published(), catalog.PlanRevised{PlanRevision: 2, Terms: terms()},
		issued(), license.ValidityStarted{}, license.Suspended{}, license.Reinstated{}, license.Renewed{},
		license.Expired{LiftsSuspension: true}, license.ExpiryUndone{}, license.Revoked{}, license.KeyReissued{},
		bound(1, 1), binding.HardwareDrifted{BindingID: bindingID(1)}, binding.MachineRebound{BindingID: bindingID(1)},
		binding.MachineReleased{BindingID: bindingID(1)},
		granted(1, noon), activation.Renewed{ActivationID: activationID(1), BindingID: bindingID(1)},
		activation.Lapsed{ActivationID: activationID(1), BindingID: bindingID(1)},
		activation.Ended{ActivationID: activationID(1), BindingID: bindingID(1)},
		idempotency.KeyClaimed{Command: "RenewLicense"},
	}
}

// found answers every look-up, and passes changes on.
type found struct{ *store.Changes }

func (found) Text(context.Context, string, string, string) (string, error) {
	return subjectID.String(), nil
}
func (found) Number(context.Context, string, string, string) (int64, error) { return 3, nil }

var (
	placeholders = regexp.MustCompile(`\$[0-9]+`)
	portable     = regexp.MustCompile(`^(INSERT INTO [a-z_]+_g1 \([a-z_, ]+\) VALUES \([$0-9, ()]+\)|UPDATE [a-z_]+_g1 SET [a-z_0-9$=+, ]+ WHERE [a-z_]+ = \$[0-9]+)$`)
)

func TestEveryStatementAProjectorQueuesIsPortable(t *testing.T) {
	t.Parallel()
	w := newFixture(t)
	seen := map[event.Type]bool{}
	for _, p := range w.projectors() {
		together := w.models.Changes(p.Definition(), store.Checkpoint{Generation: 1})
		for i, payload := range everything() {
			seen[payload.EventType()] = true
			family, _, _ := strings.Cut(string(payload.EventType()), ".")
			stream, special := map[string]string{"product": productStream, "plan": planStream,
				"idempotency_key": idempotency.Aggregate().Prefix.Stream(licenseID)}[family]
			if !special {
				stream = licenseStream
			}
			if !p.Wants(payload.EventType(), stream) {
				continue
			}
			e := event.Event{Envelope: event.Envelope{Position: event.Position(i + 1), Stream: stream,
				Pending: pending(t, payload)}, Payload: payload}
			alone := w.models.Changes(p.Definition(), store.Checkpoint{Generation: 1})
			for _, changes := range []*store.Changes{alone, together} {
				require.NoError(t, p.Project(t.Context(), e, runtime.Rows(found{changes})), "%s", payload.EventType())
			}
			requirePortable(t, alone.Statements())
		}
		requirePortable(t, together.Statements())
	}
	registry := w.config().Registry
	for _, kind := range registry.Types() {
		newest, _ := registry.Newest(kind)
		require.True(t, seen[newest], "no sample of %s", newest)
	}
}

func requirePortable(t *testing.T, statements []store.Statement) {
	t.Helper()
	require.NotEmpty(t, statements)
	for _, s := range statements {
		require.Regexp(t, portable, s.SQL)
		for i, place := range placeholders.FindAllString(s.SQL, -1) {
			require.Equal(t, fmt.Sprintf("$%d", i+1), place, "in order of first use, each once: %s", s.SQL)
		}
		require.Len(t, s.Args, len(placeholders.FindAllString(s.SQL, -1)))
		for _, arg := range s.Args {
			switch arg.(type) {
			case nil, string, int64:
			default:
				require.Fail(t, "not every engine stores", "%T", arg)
			}
		}
	}
}
