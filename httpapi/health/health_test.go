package health_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/health"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func ready(t *testing.T, draining <-chan struct{}, checks ...health.Check) (int, api.Readiness) {
	t.Helper()
	e := echo.New()
	e.GET("/", health.Ready(checks, draining))
	recorder := httptest.NewRecorder()
	e.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/", nil))
	var answer api.Readiness
	require.NoError(t, json.Unmarshal(recorder.Body.Bytes(), &answer))
	return recorder.Code, answer
}

func works(context.Context) error { return nil }

func TestReadyWhenEverythingWorks(t *testing.T) {
	t.Parallel()
	status, answer := ready(t, nil, health.Check{Name: "a", Do: works}, health.Check{Name: "b", Do: works})
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, api.Readiness{Status: "ok", Checks: map[string]api.ReadinessChecks{"a": "ok", "b": "ok"}}, answer)
}

func fails(context.Context) error { return errors.New("secret address refused") }

func TestNotReadyWhenAnEssentialPartFails(t *testing.T) {
	t.Parallel()
	status, answer := ready(t, nil, health.Check{Name: "a", Do: works}, health.Check{Name: "b", Do: fails, Essential: true})
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, api.ReadinessStatusFailing, answer.Status)
	require.Equal(t, map[string]api.ReadinessChecks{"a": "ok", "b": "failing"}, answer.Checks)
	require.NotContains(t, answer.Reasons["b"], "secret")
	require.NotEmpty(t, answer.Reasons["b"])
}

func TestReadyButDegradedWhenOnlyAnotherPartFails(t *testing.T) {
	t.Parallel()
	status, answer := ready(t, nil, health.Check{Name: "a", Do: works, Essential: true},
		health.Check{Name: "b", Do: func(context.Context) error { return fmt.Errorf("secret: %w", health.Because("the disk is full")) }})
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, api.Readiness{
		Status: "degraded", Checks: map[string]api.ReadinessChecks{"a": "ok", "b": "degraded"},
		Reasons: map[string]string{"b": "the disk is full"},
	}, answer)
}

func TestAReasonIsCutWhereTheContractCutsIt(t *testing.T) {
	t.Parallel()
	_, answer := ready(t, nil, health.Check{Name: "a",
		Do: func(context.Context) error { return health.Because("%s", strings.Repeat("é", 500)) }})
	require.LessOrEqual(t, len(answer.Reasons["a"]), 300)
	require.True(t, utf8.ValidString(answer.Reasons["a"]))
}

func TestTheGravestFailureDecides(t *testing.T) {
	t.Parallel()
	essential, other := health.Check{Name: "a", Do: fails, Essential: true}, health.Check{Name: "b", Do: fails}
	for _, checks := range [][]health.Check{{essential, other}, {other, essential}} {
		status, answer := ready(t, nil, checks...)
		require.Equal(t, http.StatusServiceUnavailable, status)
		require.Equal(t, api.ReadinessStatusFailing, answer.Status)
	}
}

func TestACheckThatHangsIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	defer close(release)
	hangs := func(context.Context) error { <-release; return nil }
	for essential, want := range map[bool]int{true: http.StatusServiceUnavailable, false: http.StatusOK} {
		began := time.Now()
		status, answer := ready(t, nil, health.Check{Name: "a", Do: works}, health.Check{Name: "b", Do: hangs, Essential: essential})
		require.Less(t, time.Since(began), time.Second)
		require.Equal(t, want, status)
		require.NotEqual(t, api.ReadinessChecksOk, answer.Checks["b"])
		require.Contains(t, answer.Reasons["b"], "90ms")
	}
}

func TestNotReadyWhileDraining(t *testing.T) {
	t.Parallel()
	draining := make(chan struct{})
	close(draining)
	status, answer := ready(t, draining, health.Check{Name: "a", Do: works})
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, api.ReadinessStatusDraining, answer.Status)
}
