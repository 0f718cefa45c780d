package health_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

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

func TestNotReadyWhenOneCheckFails(t *testing.T) {
	t.Parallel()
	status, answer := ready(t, nil, health.Check{Name: "a", Do: works},
		health.Check{Name: "b", Do: func(context.Context) error { return errors.New("secret address refused") }})
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, api.Readiness{Status: "failing", Checks: map[string]api.ReadinessChecks{"a": "ok", "b": "failing"}}, answer)
}

func TestACheckThatHangsIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	defer close(release)
	began := time.Now()
	status, answer := ready(t, nil, health.Check{Name: "a", Do: works}, health.Check{Name: "b", Do: func(context.Context) error { <-release; return nil }})
	require.Less(t, time.Since(began), time.Second)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, api.ReadinessChecksFailing, answer.Checks["b"])
}

func TestNotReadyWhileDraining(t *testing.T) {
	t.Parallel()
	draining := make(chan struct{})
	close(draining)
	status, answer := ready(t, draining, health.Check{Name: "a", Do: works})
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, api.ReadinessStatusDraining, answer.Status)
}
