package projections_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/machine"
	"github.com/licenseledger/licenseledger/readmodels/store"
	"github.com/licenseledger/licenseledger/readmodels/timeline"
)

func TestTheTimelineTellsWhatHappenedAndWhy(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		until := noon.Add(day)
		story := []struct {
			happened event.Payload
			summary  string
			reason   string
		}{
			{issued(), "License issued for acme-cad on plan pro with 3 seats, until 2027-03-03 12:00:00 UTC", ""},
			{license.ValidityStarted{StartedAt: noon, ExpiresAt: until}, "Validity began and ends 2026-03-04 12:00:00 UTC", ""},
			{bound(1, 1), "Machine 00000000… took seat 1 of 3", ""},
			{granted(1, until), "Machine 00000000… was activated until 2026-03-04 12:00:00 UTC", ""},
			{binding.HardwareDrifted{BindingID: bindingID(1), PreviousFingerprint: print(1), Fingerprint: "ffee" + print(2)[4:],
				Matched: 3, Compared: 4},
				"Machine 00000000… came back as ffee0000…: 3 of 4 components match", ""},
			{activation.Renewed{ActivationID: activationID(1), BindingID: bindingID(1), Fingerprint: print(2), SeatsUsed: 1, ExpiresAt: until},
				"Activation of machine 00000000… renewed until 2026-03-04 12:00:00 UTC, 1 seat used", ""},
			{activation.Lapsed{ActivationID: activationID(1), BindingID: bindingID(1), LapsedAt: until},
				"Lease of binding 00000000… ran out 2026-03-04 12:00:00 UTC, 0 seats used", ""},
			{binding.MachineRebound{BindingID: bindingID(1), PreviousFingerprint: print(2), Fingerprint: print(3), Name: seal(subjectID, "host"),
				Reason: "broken", SeatsUsed: 1},
				"Seat moved from machine 00000000… to 00000000…, 1 seat used", "broken"},
			{activation.Ended{ActivationID: activationID(1), BindingID: bindingID(1), Reason: "broken"}, "Activation 00000000… ended", "broken"},
			{binding.MachineReleased{BindingID: bindingID(1), Reason: "sold", SeatsUsed: 0}, "Binding 00000000… released, 0 seats used", "sold"},
			{license.Suspended{Reason: "unpaid"}, "License suspended", "unpaid"},
			{license.Reinstated{Reason: "paid"}, "License reinstated", "paid"},
			{license.KeyReissued{Reason: "leaked", Generation: 2}, "License key reissued as generation 2", "leaked"},
			{license.Expired{ExpiredAt: until}, "License expired 2026-03-04 12:00:00 UTC", ""},
			{license.Expired{ExpiredAt: until, LiftsSuspension: true},
				"License expired 2026-03-04 12:00:00 UTC, which ended a suspension if there was one", ""},
			{license.ExpiryUndone{Reason: "wrong clock", ExpiresAt: until},
				"License had not expired: a wrong clock said so; it is valid until 2026-03-04 12:00:00 UTC", "wrong clock"},
			{license.Renewed{Reason: "order 5", ExpiresAt: until}, "License renewed until 2026-03-04 12:00:00 UTC", "order 5"},
			{license.Revoked{Reason: "fraud"}, "License revoked", "fraud"},
		}
		w := newFixture(t)
		for _, s := range story {
			w.happened(licenseStream, s.happened)
		}
		w.start(w.config())
		w.caughtUp()

		var reported []timeline.Entry
		for paging := (store.Paging{Limit: 7}); ; {
			page, err := timeline.New(w.models).OfLicense(t.Context(), tenant, licenseID, paging)
			require.NoError(t, err)
			reported = append(reported, page.Items...)
			if page.Next == "" {
				break
			}
			paging.Cursor = page.Next
		}
		require.Len(t, reported, len(story))
		for i, s := range story {
			e := reported[i]
			require.Equal(t, s.summary, e.Summary)
			require.Equal(t, string(s.happened.EventType()), e.Type)
			require.Equal(t, "admin", e.Actor)
			require.Equal(t, "request-1", e.Correlation)
			require.Equal(t, noon, e.RecordedAt)
			require.Equal(t, uint64(i+1), e.Revision)
			if s.reason == "" {
				require.Nil(t, e.Reason)
			} else {
				require.Equal(t, &s.reason, e.Reason)
			}
		}
		page, err := timeline.New(w.models).OfLicense(t.Context(), "somebody else", licenseID, store.Paging{})
		require.NoError(t, err)
		require.Empty(t, page.Items)
	})
}

func TestTheTimelineLeavesSealedPersonalDataOut(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, newFixture func(testing.TB) *fixture) {
		w := newFixture(t)
		e := bound(1, 1)
		e.Components = machine.Hashes{machine.CPU: {"a1"}}
		w.happened(licenseStream, issued(), e)
		w.start(w.config())
		w.caughtUp()
		page, err := timeline.New(w.models).OfLicense(t.Context(), tenant, licenseID, store.Paging{})
		require.NoError(t, err)
		require.Len(t, page.Items, 2)
		require.NotContains(t, string(page.Items[0].Data), `"customer"`)
		require.Contains(t, string(page.Items[0].Data), `"product_code":"acme-cad"`)
		require.NotContains(t, string(page.Items[1].Data), `"name"`)
		require.Contains(t, string(page.Items[1].Data), `"components":{"cpu":["a1"]}`)
		require.True(t, strings.HasPrefix(page.Items[1].Summary, "Machine"))
	})
}
