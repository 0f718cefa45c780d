package license_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
)

// TestTheLifeOfALicense is the table of statuses and commands: what each may do, and what it is refused.
func TestTheLifeOfALicense(t *testing.T) {
	t.Parallel()
	days := 10
	histories := map[license.Status][]event.Payload{
		license.StatusActive:    {issued(expires(inAMonth))},
		license.StatusSuspended: {issued(expires(inAMonth)), license.Suspended{Reason: "unpaid"}},
		license.StatusExpired:   {issued(expires(noon.Add(-day))), license.Expired{ExpiredAt: noon.Add(-day)}},
		license.StatusRevoked:   {issued(expires(inAMonth)), license.Revoked{Reason: "fraud"}},
	}
	commands := map[string]license.Command{
		"suspend":   license.Suspend{Reason: "why"},
		"reinstate": license.Reinstate{Reason: "why"},
		"renew":     license.Renew{Reason: "why", ExtendDays: &days},
		"revoke":    license.Revoke{Reason: "why"},
		"reissue":   license.ReissueKey{Reason: "why"},
		"undo":      license.UndoExpiry{Reason: "why", LedgerTime: noon},
	}
	later := inAMonth.Add(10 * day)
	afresh := noon.Add(10 * day)
	past := noon.Add(-day)
	decided := map[license.Status]map[string]event.Payload{
		license.StatusActive: {
			"suspend": license.Suspended{Reason: "why", SuspendedAt: noon},
			"renew":   license.Renewed{Reason: "why", PreviousExpiresAt: &inAMonth, ExpiresAt: later, RenewedAt: noon},
			"revoke":  license.Revoked{Reason: "why", RevokedAt: noon},
			"reissue": license.KeyReissued{Reason: "why", Generation: 1, ReissuedAt: noon},
		},
		license.StatusSuspended: {
			"reinstate": license.Reinstated{Reason: "why", ReinstatedAt: noon},
			"renew":     license.Renewed{Reason: "why", PreviousExpiresAt: &inAMonth, ExpiresAt: later, RenewedAt: noon},
			"revoke":    license.Revoked{Reason: "why", RevokedAt: noon},
			"reissue":   license.KeyReissued{Reason: "why", Generation: 1, ReissuedAt: noon},
		},
		license.StatusExpired: {
			"suspend": license.Suspended{Reason: "why", SuspendedAt: noon},
			"renew":   license.Renewed{Reason: "why", PreviousExpiresAt: &past, ExpiresAt: afresh, RenewedAt: noon},
			"revoke":  license.Revoked{Reason: "why", RevokedAt: noon},
			"reissue": license.KeyReissued{Reason: "why", Generation: 1, ReissuedAt: noon},
		},
	}
	for status, history := range histories {
		for name, command := range commands {
			t.Run(strings.ToLower(string(status))+" "+name, func(t *testing.T) {
				t.Parallel()
				s := given(t, history...)
				require.Equal(t, status, s.stream.Status())
				s.when(command)
				if expected, allowed := decided[status][name]; allowed {
					s.then(expected)
					return
				}
				s.thenRefused(license.ErrInvalidTransition)
			})
		}
	}
}

func TestARenewedLicenseIsActiveAgainButASuspendedOneStaysSuspended(t *testing.T) {
	t.Parallel()
	renewal := license.Renewed{Reason: "paid", ExpiresAt: inAMonth, RenewedAt: noon}
	expired := fold(t, nil, issued(expires(noon.Add(-day))), license.Expired{}, renewal)
	require.Equal(t, license.StatusActive, expired.Status())
	require.Equal(t, inAMonth, *expired.ExpiresAt)
	suspended := fold(t, nil, issued(), license.Suspended{}, renewal)
	require.Equal(t, license.StatusSuspended, suspended.Status())
	reinstated := fold(t, suspended, license.Reinstated{})
	require.Equal(t, license.StatusActive, reinstated.Status())
}

func TestASuspendedLicenseExpiresToo(t *testing.T) {
	t.Parallel()
	days := 5
	given(t, issued(expires(inAMonth)), license.Suspended{Reason: "unpaid"}).
		at(inAMonth.Add(time.Hour)).
		when(license.Renew{Reason: "paid", ExtendDays: &days}).
		then(
			license.Expired{ExpiredAt: inAMonth},
			license.Renewed{Reason: "paid", PreviousExpiresAt: &inAMonth, ExpiresAt: inAMonth.Add(time.Hour + 5*day),
				RenewedAt: inAMonth.Add(time.Hour)},
		)
}

func TestRenewingToAGivenTime(t *testing.T) {
	t.Parallel()
	given(t, issued()).
		when(license.Renew{Reason: "limited now", ExpiresAt: &inAMonth}).
		then(license.Renewed{Reason: "limited now", ExpiresAt: inAMonth, RenewedAt: noon})
}

func TestAPerpetualLicenseHasNothingToExtend(t *testing.T) {
	t.Parallel()
	days := 10
	given(t, issued()).when(license.Renew{Reason: "why", ExtendDays: &days}).thenRefused(license.ErrInvalidTransition)
}

func TestAnExtensionReachesAtMost36500DaysAhead(t *testing.T) {
	t.Parallel()
	days := 36_500
	end := noon.Add(36_500 * day)
	given(t, issued(expires(noon.Add(-day))), license.Expired{ExpiredAt: noon.Add(-day)}).
		when(license.Renew{Reason: "for good", ExtendDays: &days}).
		then(license.Renewed{Reason: "for good", PreviousExpiresAt: new(noon.Add(-day)), ExpiresAt: end, RenewedAt: noon})
	one := 1
	requireInvalid(t, given(t, issued(expires(end))).when(license.Renew{Reason: "and a day", ExtendDays: &one}), "extend_days")
}

func TestAKeyIsReplacedAtMost255Times(t *testing.T) {
	t.Parallel()
	given(t, issued(generation(254))).when(license.ReissueKey{Reason: "leak"}).
		then(license.KeyReissued{Reason: "leak", Generation: 255, ReissuedAt: noon})
	given(t, issued(), license.KeyReissued{Generation: 255}).when(license.ReissueKey{Reason: "leak"}).
		thenRefused(license.ErrInvalidTransition)
}

func TestEveryChangeOfALicenseSaysWhy(t *testing.T) {
	t.Parallel()
	for _, reason := range []string{"", "   ", strings.Repeat("x", 501), "\xff"} {
		for _, c := range []license.Command{
			license.Suspend{Reason: reason}, license.Reinstate{Reason: reason}, license.Revoke{Reason: reason},
			license.Renew{Reason: reason, ExpiresAt: &inAMonth}, license.ReissueKey{Reason: reason}, license.UndoExpiry{Reason: reason},
			license.Deactivate{ActivationID: activationID(1), Reason: reason}, license.RebindMachine{Reason: reason},
		} {
			requireInvalid(t, given(t, issued()).when(c), "reason")
		}
	}
}

func TestARenewalSaysEitherDaysOrATime(t *testing.T) {
	t.Parallel()
	days, none, tooMany, past, farAway := 3, 0, 40_000, noon, noon.Add(40_000*day)
	tests := map[string]struct {
		renew license.Renew
		field string
	}{
		"neither":       {license.Renew{Reason: "r"}, "extend_days"},
		"both":          {license.Renew{Reason: "r", ExtendDays: &days, ExpiresAt: &inAMonth}, "extend_days"},
		"no days":       {license.Renew{Reason: "r", ExtendDays: &none}, "extend_days"},
		"too many days": {license.Renew{Reason: "r", ExtendDays: &tooMany}, "extend_days"},
		"in the past":   {license.Renew{Reason: "r", ExpiresAt: &past}, "expires_at"},
		"far away":      {license.Renew{Reason: "r", ExpiresAt: &farAway}, "expires_at"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireInvalid(t, given(t, issued(expires(inAMonth))).when(test.renew), test.field)
		})
	}
}

// requireInvalid expects input to be refused because of one field.
func requireInvalid(t *testing.T, s *scenario, field string) {
	t.Helper()
	var invalid *domainerr.Invalid
	require.ErrorAs(t, s.err, &invalid)
	require.Equal(t, field, invalid.Fields[0].Name)
	require.Empty(t, s.events)
}
