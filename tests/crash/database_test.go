package crash_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/tests/support/engines"
)

func TestADatabaseThatFallsAndRisesAgainIsOutlivedWithoutARestart(t *testing.T) {
	on, err := engines.StartPrivate(engines.PostgreSQL, engines.PostgreSQL)
	require.NoError(t, err)
	w, rounds := newHarness(t, on)
	postgres := on.Postgres()
	pid := w.server.PID()
	for round := range max(2, rounds/4) {
		fall := postgres.ShutDownImmediately
		if round%2 == 1 {
			fall = postgres.Kill
		}
		w.workThrough(fault{inject: fall, during: w.notReady, repair: postgres.Start})
		w.check()
	}
	w.checkNothingElseWasIssued()
	require.Equal(t, pid, w.server.PID())
	t.Logf("%d commands acknowledged, %d refused while the database was down", w.acknowledged, w.refused)
	require.NoError(t, w.server.Stop())
	ran := w.server.Command(t, "fsck")
	require.Zero(t, ran.Code, "%s%s", ran.Out, ran.Err)
}

// notReady checks that the server says that it cannot serve, and that it is alive.
func (w *harness) notReady() {
	w.t.Helper()
	require.Equal(w.t, http.StatusServiceUnavailable, w.server.Anyone(w.t).Get("/healthz/ready").Status)
	require.Equal(w.t, http.StatusOK, w.server.Anyone(w.t).Get("/healthz/live").Status)
	for _, query := range []string{"/v1/licenses", "/v1/licenses/" + w.shared.id.String(), "/v1/ledger/events", "/v1/projections"} {
		answer := w.server.Admin(w.t).Get(query)
		require.True(w.t, isTemporary(answer), "%s: %d %s", query, answer.Status, answer.Body)
	}
}
