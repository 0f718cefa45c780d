package license_test

import (
	"time"

	"pgregory.net/rapid"

	"github.com/licenseledger/licenseledger/domain/license"
)

// administer does what only admins do; mostly what lets the licence live on.
func (w *fixture) administer(t *rapid.T) {
	switch n := rapid.IntRange(0, 19).Draw(t, "what"); {
	case n < 6:
		w.renew(t)
	case n < 11:
		w.ask(t, license.Reinstate{Reason: "paid"}, w.reinstate)
	case n < 15:
		w.ask(t, license.Suspend{Reason: "unpaid"}, w.suspend)
	case n < 17:
		w.ask(t, license.ReissueKey{Reason: "leaked"}, w.reissue)
	case n < 19:
		w.ask(t, license.UndoExpiry{Reason: "wrong clock", LedgerTime: w.now}, func() error { return w.undoExpiry(w.now) })
	default:
		w.ask(t, license.Revoke{Reason: "fraud"}, w.revoke)
	}
}

func (w *fixture) renew(t *rapid.T) {
	days := rapid.IntRange(1, 5).Draw(t, "days")
	if rapid.Bool().Draw(t, "to a time") {
		to := w.now.Add(time.Duration(days) * rapid.SampledFrom([]time.Duration{11 * time.Second, 17 * time.Hour}).Draw(t, "unit"))
		w.ask(t, license.Renew{Reason: "paid", ExpiresAt: &to}, func() error { return w.renewTo(to) }) // may be sooner than before
		return
	}
	w.ask(t, license.Renew{Reason: "paid", ExtendDays: &days}, func() error { return w.renewFor(days, w.now) })
}

// recordWhatAWrongClockBrings records what will be due in some days, and then the time is what it was.
func (w *fixture) recordWhatAWrongClockBrings(t *rapid.T) {
	wrong := w.now.Add(time.Duration(rapid.IntRange(1, 11).Draw(t, "days ahead")) * day)
	w.append(t, w.stream.Due(wrong)...)
	w.pass(wrong)
}
