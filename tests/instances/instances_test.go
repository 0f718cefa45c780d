package instances_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
	"github.com/licenseledger/licenseledger/tests/support/process"
)

func TestARevocationOnOneInstanceIsObeyedByAllOthersAtOnce(t *testing.T) {
	t.Parallel()
	c := newCluster(t, "all", "all", "all")
	for range 20 {
		l := sell(t, c.servers[0], nil)
		for _, s := range c.servers {
			require.Equal(t, "VALID", verdict(t, s, l.Key), "it has it in its cache now")
		}
		blackbox.OK[api.License](c.servers[1].Admin(t).Post("/v1/licenses/"+l.ID.String()+"/revoke", object{"reason": "fraud"}))
		for _, s := range c.servers {
			require.Equal(t, "LICENSE_REVOKED", verdict(t, s, l.Key))
		}
	}
}

func TestInstancesNeverGiveOutMoreSeatsThanThereAre(t *testing.T) {
	t.Parallel()
	c := newCluster(t, "all", "all")
	l := sell(t, c.servers[0], object{"max_machines": 10})
	var granted, refused atomic.Int64
	var all sync.WaitGroup
	for n := range 60 {
		client := c.servers[n%2].Anyone(t)
		all.Go(func() {
			answer, err := client.Try(t.Context(), http.MethodPost, "/v1/activations", activation(l.Key, n))
			switch {
			case err == nil && answer.Status == http.StatusCreated:
				granted.Add(1)
			case err == nil && answer.Status == http.StatusUnprocessableEntity:
				refused.Add(1)
			default:
				t.Errorf("machine %d: %d %s %v", n, answer.Status, answer.Body, err)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 10, granted.Load())
	require.EqualValues(t, 50, refused.Load())
}

// takenOver loses the owner of all projections in some way, and requires another instance to continue in time.
func takenOver(t *testing.T, lose func(owner *blackbox.Server)) (c *cluster, rest *blackbox.Server) {
	t.Helper()
	c = newCluster(t, "all")
	owner := c.servers[0]
	ownsAll(t, owner)
	rest = c.start("all")
	require.Empty(t, owned(t, rest))
	sell(t, rest, nil)
	lose(owner)
	l := sell(t, rest, nil)
	took := ownsAll(t, rest)
	t.Logf("taken over after %s", took.Round(time.Millisecond))
	require.Less(t, took, 10*time.Second)
	position := blackbox.OK[api.Verdict](rest.Anyone(t).Post("/v1/validate", object{"license_key": l.Key}))
	require.EqualValues(t, "VALID", position.Code)
	last := rest.Admin(t).Post("/v1/licenses/"+l.ID.String()+"/suspend", object{"reason": "unpaid"})
	blackbox.OK[api.License](last)
	shown := blackbox.OK[api.License](rest.Admin(t).Seeing(last.Position()).Get("/v1/licenses/" + l.ID.String()))
	require.EqualValues(t, "SUSPENDED", shown.Status)
	return c, rest
}

func TestTheProjectionsOfAKilledInstanceAreTakenOver(t *testing.T) {
	t.Parallel()
	c, rest := takenOver(t, func(owner *blackbox.Server) { owner.Kill() })
	rest.MustStop(t)
	c.requireClean()
}

func TestTheProjectionsOfAPausedInstanceAreTakenOverAndItKnowsWhenItWakes(t *testing.T) {
	t.Parallel()
	var paused *blackbox.Server
	c, rest := takenOver(t, func(owner *blackbox.Server) {
		paused = owner
		require.NoError(t, syscall.Kill(owner.PID(), syscall.SIGSTOP))
	})
	require.NoError(t, syscall.Kill(paused.PID(), syscall.SIGCONT))
	require.Eventually(t, func() bool { return len(owned(t, paused)) == 0 }, timeout, 20*time.Millisecond)
	l := sell(t, paused, nil)
	require.Equal(t, "VALID", verdict(t, rest, l.Key))
	require.Len(t, owned(t, rest), 4)
	paused.MustStop(t)
	rest.MustStop(t)
	c.requireClean()
}

func TestAnInstanceThatStopsLeavesItsProjectionsToOthers(t *testing.T) {
	t.Parallel()
	c := newCluster(t, "all")
	ownsAll(t, c.servers[0])
	rest := c.start("all")
	c.servers[0].MustStop(t)
	t.Logf("taken over after %s", ownsAll(t, rest).Round(time.Millisecond))
}

func TestWhatTimeBringsAboutIsRecordedOnce(t *testing.T) {
	t.Parallel()
	c := newCluster(t, "all", "all", "all")
	first := sell(t, c.servers[0], nil)
	admin := c.servers[0].Admin(t)
	soon := time.Now().Add(2 * time.Second).UTC().Format(time.RFC3339Nano)
	var sold []api.LicenseWithKey
	for range 10 {
		sold = append(sold, blackbox.Created[api.LicenseWithKey](admin.Post("/v1/licenses", object{
			"product": first.Product.ID, "plan": first.Plan.Code, "expires_at": soon,
			"customer": object{"name": "Ada Byron", "email": "ada@example.com"}})))
	}
	for _, l := range sold {
		require.Eventually(t, func() bool { return slices.Contains(eventTypes(t, c.servers[1], l), "license.expired.v2") }, timeout,
			50*time.Millisecond)
	}
	for _, l := range sold {
		require.Equal(t, []string{"license.issued.v1", "license.expired.v2"}, eventTypes(t, c.servers[2], l))
	}
}

func TestRolesShareTheWork(t *testing.T) {
	t.Parallel()
	c := newCluster(t, "api")
	front := c.servers[0]
	l := sell(t, front, nil)
	require.Equal(t, "VALID", verdict(t, front, l.Key), "a decision needs no projection")
	require.Empty(t, owned(t, front))
	behind := c.start("projector")
	ownsAll(t, behind)
	last := front.Admin(t).Post("/v1/licenses/"+l.ID.String()+"/suspend", object{"reason": "unpaid"})
	blackbox.OK[api.License](last)
	shown := blackbox.OK[api.License](front.Admin(t).Seeing(last.Position()).Get("/v1/licenses/" + l.ID.String()))
	require.EqualValues(t, "SUSPENDED", shown.Status)

	require.Equal(t, http.StatusNotFound, behind.Admin(t).Get("/v1/licenses").Status, "a projector serves health and metrics only")
	require.Equal(t, http.StatusAccepted, front.Admin(t).Post("/v1/projections/licenses/rebuild", nil).Status)
	require.Eventually(t, func() bool {
		for _, p := range blackbox.OK[api.ProjectionList](front.Admin(t).Get("/v1/projections")).Items {
			if p.Name == "licenses" {
				return p.State == api.RUNNING && p.Checksum != nil
			}
		}
		return false
	}, timeout, 50*time.Millisecond, "the projector rebuilds what the other instance was asked for")
}

// balanced sends a request to one of several servers, and to the next when that one takes no connection or says that it is busy
// or stopping, as a load balancer and a client that honours Retry-After would.
func balanced(ctx context.Context, from int, clients []blackbox.Client, method, path string, body any) (blackbox.Response, error) {
	var last error
	for attempt := range 200 {
		answer, err := clients[(from+attempt)%len(clients)].Try(ctx, method, path, body)
		if err == nil && answer.Status != http.StatusServiceUnavailable {
			return answer, nil
		}
		if last = err; err == nil {
			last = fmt.Errorf("%d %s", answer.Status, answer.Body)
		}
		pause := time.NewTimer(20 * time.Millisecond)
		select {
		case <-pause.C:
		case <-ctx.Done():
			return blackbox.Response{}, last
		}
	}
	return blackbox.Response{}, last
}

func TestARollingRestartUnderLoadFailsNoRequest(t *testing.T) {
	t.Parallel()
	c := newCluster(t, "all", "all")
	l := sell(t, c.servers[0], object{"max_machines": 8})
	// Each restart listens where the server before it did, as behind a load balancer.
	for _, s := range c.servers {
		s.Options.Listen = s.URL()[len("http://"):]
	}
	admins := []blackbox.Client{c.servers[0].Admin(t), c.servers[1].Admin(t)}
	machines := []blackbox.Client{c.servers[0].Anyone(t), c.servers[1].Anyone(t)}
	stop := make(chan struct{})
	var working sync.WaitGroup
	var done atomic.Int64
	for n := range 8 {
		working.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				key := fmt.Sprintf("activate-%d-%d", n, i)
				activated, err := balanced(t.Context(), n+i, with(machines, key), http.MethodPost, "/v1/activations", activation(l.Key, n))
				if err != nil || activated.Status >= http.StatusBadRequest {
					t.Errorf("activate: %d %s %v", activated.Status, activated.Body, err)
					return
				}
				var granted api.Activation
				if err := json.Unmarshal(activated.Body, &granted); err != nil {
					t.Error(err)
					return
				}
				ended, err := balanced(t.Context(), n+i+1, with(admins, "de"+key), http.MethodPost,
					"/v1/activations/"+granted.ActivationID.String()+"/deactivate",
					object{"license_key": l.Key, "reason": "moved"})
				if err != nil || ended.Status >= http.StatusBadRequest {
					t.Errorf("deactivate: %d %s %v", ended.Status, ended.Body, err)
					return
				}
				done.Add(2)
			}
		})
	}
	running := []*process.Process{c.servers[0].Process, c.servers[1].Process}
	for round := range 2 {
		for i, s := range c.servers {
			before := done.Load()
			require.Eventually(t, func() bool { return done.Load() > before+20 || t.Failed() }, timeout, 5*time.Millisecond)
			require.NoError(t, running[i].Stop())
			var err error
			running[i], err = process.Start(s.Options) // the clients know the server by its address, which stays
			require.NoError(t, err)
			t.Cleanup(running[i].Kill)
			t.Logf("round %d: server %d restarted, %d requests done", round, i, done.Load())
		}
	}
	close(stop)
	working.Wait()
	for _, r := range running {
		require.NoError(t, r.Stop())
	}
	c.requireClean()
}

// with gives every client an Idempotency-Key.
func with(clients []blackbox.Client, key string) []blackbox.Client {
	keyed := make([]blackbox.Client, len(clients))
	for i, c := range clients {
		keyed[i] = c.With("Idempotency-Key", key)
	}
	return keyed
}
