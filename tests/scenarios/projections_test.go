package scenarios_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
)

var allProjections = []string{"catalog", "licenses", "machines", "timeline"}

func projectionsOf(t *testing.T, admin blackbox.Client) map[string]api.Projection {
	t.Helper()
	all := map[string]api.Projection{}
	for _, p := range blackbox.OK[api.ProjectionList](admin.Get("/v1/projections")).Items {
		all[p.Name] = p
	}
	return all
}

// caughtUp waits until every projection follows the ledger and has reached its head.
func caughtUp(t *testing.T, admin blackbox.Client) {
	t.Helper()
	eventually(t, "every projection has caught up", func() bool {
		for _, p := range projectionsOf(t, admin) {
			if p.Lag > 0 || p.State != "RUNNING" {
				return false
			}
		}
		return true
	})
}

// stopSound stops a server when its projections have caught up, and requires a check of all that it leaves behind to find nothing.
func stopSound(t *testing.T, server *blackbox.Server) {
	t.Helper()
	caughtUp(t, server.Admin(t))
	server.MustStop(t)
	checked := server.Command(t, "fsck")
	require.Zero(t, checked.Code, checked.Out+checked.Err)
}

// rebuilt rebuilds a projection and waits until the new tables serve.
func rebuilt(t *testing.T, admin blackbox.Client, name string) api.Projection {
	t.Helper()
	begun := blackbox.Into[api.Projection](admin.Post("/v1/projections/"+name+"/rebuild", nil), http.StatusAccepted)
	require.Equal(t, name, begun.Name)
	var done api.Projection
	eventually(t, "the rebuild ends", func() bool {
		done = projectionsOf(t, admin)[name]
		return done.State != "REBUILDING"
	})
	require.EqualValues(t, "RUNNING", done.State)
	require.Nil(t, done.Error)
	require.NotNil(t, done.Checksum)
	return done
}

func TestEveryProjectionTellsWhereItStands(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	v.issue(nil)
	at := head(t, v.admin)
	eventually(t, "every projection catches up", func() bool {
		for _, p := range projectionsOf(t, v.admin) {
			if p.Position < at {
				return false
			}
		}
		return true
	})
	all := projectionsOf(t, v.admin)
	require.Len(t, all, len(allProjections))
	for _, name := range allProjections {
		p := all[name]
		require.Equal(t, name, p.Name)
		require.Contains(t, []api.ProjectionState{"RUNNING", "REBUILDING"}, p.State)
		require.Equal(t, p.Head-p.Position, p.Lag)
		require.Positive(t, p.Version)
	}
}

func TestRebuiltProjectionsShowTheSameWhileTheyServe(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	v := newTenantClientOn(t, server, nil, nil)
	sold := v.customers("Ada Byron", "Grace Hopper", "Alan Turing")
	a := v.activate(sold["Ada Byron"].Key, built("laptop", nil))
	v.rebind(v.machine, a, object{"license_key": sold["Ada Byron"].Key, "machine": built("desktop", nil)})
	v.changed(sold["Grace Hopper"], "suspend", nil)
	before := v.machines(sold["Ada Byron"])

	for _, name := range allProjections {
		first, second := rebuilt(t, v.admin, name), rebuilt(t, v.admin, name)
		require.Equal(t, *first.ChecksumPosition, *second.ChecksumPosition)
		require.Equal(t, *first.Checksum, *second.Checksum)
	}
	require.Equal(t, before, v.machines(sold["Ada Byron"]))
	require.Len(t, v.listed(""), 3)

	// New rows go on arriving, and what serves meanwhile and afterwards misses none of them.
	ctx, stop := context.WithCancel(t.Context())
	var issuing errgroup.Group
	issued := 0
	issuing.Go(func() error {
		for ctx.Err() == nil {
			r, err := v.admin.Try(t.Context(), http.MethodPost, "/v1/licenses",
				v.order(object{"customer": object{"name": "Edsger", "email": "e@example.com"}}))
			if err != nil {
				return err
			}
			if r.Status != http.StatusCreated {
				return fmt.Errorf("status %d: %s", r.Status, r.Body)
			}
			issued++
		}
		return nil
	})
	for range 3 {
		rebuilt(t, v.admin, "licenses")
		rebuilt(t, v.admin, "timeline")
	}
	stop()
	require.NoError(t, issuing.Wait())
	require.Positive(t, issued)
	require.Len(t, v.listed("&customer=Edsger"), issued)
	stopSound(t, server)
}

func TestAProjectionIsRebuiltOnceAtATime(t *testing.T) {
	t.Parallel()
	server := newServer(t)
	v := newTenantClientOn(t, server, nil, nil)
	var orders []object
	for range 1000 {
		orders = append(orders, v.order(nil))
	}
	blackbox.OK[api.BatchOutcome](v.admin.Post("/v1/licenses/batch", object{"licenses": orders}))
	answers := make([]blackbox.Response, 16)
	var operators errgroup.Group
	for i := range answers {
		operators.Go(func() (err error) {
			answers[i], err = v.admin.Try(t.Context(), http.MethodPost, "/v1/projections/timeline/rebuild", nil)
			return err
		})
	}
	require.NoError(t, operators.Wait())
	begun, refused := 0, 0
	for _, a := range answers {
		switch a.Status {
		case http.StatusAccepted:
			begun++
			require.Contains(t, string(a.Body), `"REBUILDING"`)
		case http.StatusConflict:
			refused++
			require.Contains(t, string(a.Body), `"REBUILD_RUNNING"`)
		default:
			require.Fail(t, "unexpected", "status %d: %s", a.Status, a.Body)
		}
	}
	require.Positive(t, begun)
	require.Positive(t, refused)
	eventually(t, "the rebuild ends", func() bool { return projectionsOf(t, v.admin)["timeline"].State == "RUNNING" })
	v.admin.Post("/v1/projections/weather/rebuild", nil).Refused("NOT_FOUND")
}

func TestAQueryShowsWhatItsPositionAsksFor(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	l := v.issue(nil)
	for range 20 {
		for command, status := range map[string]string{"suspend": "SUSPENDED", "reinstate": "ACTIVE"} {
			answer := v.change(l, command, nil)
			if answer.Status != http.StatusOK {
				continue // the map decides who is first
			}
			shown := blackbox.OK[api.License](v.admin.Seeing(answer.Position()).Get("/v1/licenses/" + l.ID.String()))
			require.EqualValues(t, status, shown.Status)
		}
	}
	v.admin.With("Ledger-Position", "yesterday").Get("/v1/licenses").Invalid("Ledger-Position")
	v.admin.With("Ledger-Position", "-1").Get("/v1/products").Invalid("Ledger-Position")
}

func TestAPositionThatIsNotReachedInTimeIsToldSo(t *testing.T) {
	t.Parallel()
	v := newTenantClient(t, nil)
	answer := v.admin.With("Ledger-Position", "9000000000000000000").Get("/v1/plans")
	answer.Refused("PROJECTION_BEHIND")
	require.Equal(t, http.StatusServiceUnavailable, answer.Status)
	require.NotEmpty(t, answer.Header.Get("Retry-After"))
}
