package crash_test

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
	"github.com/licenseledger/licenseledger/tests/support/engines"
	"github.com/licenseledger/licenseledger/tests/support/process"
)

const (
	roundsVariable = "LICENSELEDGER_CRASH_ROUNDS"
	defaultRounds  = 3
	customers      = 12  // clients at work at the same time
	mostAnswers    = 250 // acknowledged commands before a kill, at most
	sharedSeats    = 50  // of the licence that all clients want seats of
)

// timeout bounds how long a round may take to come to its kill.
const timeout = 3 * time.Minute

func TestCrashesLoseNothingThatWasAcknowledgedAndDoNothingTwice(t *testing.T) {
	chosen, err := engines.Chosen()
	require.NoError(t, err)
	w, rounds := newHarness(t, chosen)
	server := w.server
	for round := range rounds {
		w.workUntilKilled(round)
		w.checkWhatWasWritten(round)
		server.Restart(t)
		w.check()
	}
	w.checkNothingElseWasIssued()
	t.Logf("%d commands acknowledged, %d unanswered when the server was killed: %d of them had taken effect, %d had not",
		w.acknowledged, w.tookEffect+w.hadNoEffect, w.tookEffect, w.hadNoEffect)
	require.NoError(t, server.Stop())
}

// checkWhatWasWritten checks that ledger and keys are whole after a kill, and that every read model holds what the ledger says up to the
// position where it stands, which may be before the head.
func (w *harness) checkWhatWasWritten(round int) {
	w.t.Helper()
	ran := w.server.Command(w.t, "fsck", "--json")
	var report struct {
		Problem     string
		Projections []struct {
			Name string
			Same bool
		}
	}
	require.NoError(w.t, json.Unmarshal([]byte(ran.Out), &report), "after round %d:\n%s%s", round, ran.Out, ran.Err)
	require.Empty(w.t, report.Problem, "after round %d", round)
	require.NotEmpty(w.t, report.Projections)
	for _, p := range report.Projections {
		require.True(w.t, p.Same, "after round %d:\n%s", round, ran.Out)
	}
}

// harness is what the clients know of the server.
type harness struct {
	t        *testing.T
	server   *blackbox.Server
	random   *rand.Rand
	product  api.Product
	shared   *license // everybody wants seats of it
	clients  []*client
	others   []uuid.UUID // licences that the clients know nothing of
	dense    bool        // positions have no gaps
	compared uint64      // position up to which the ledger was compared with what the clients know

	acknowledged, tookEffect, hadNoEffect, refused int
	slowest                                        time.Duration // answer
}

// newHarness starts a server on new ledgers of the engines, which it closes in the end, and returns how many rounds to run.
func newHarness(t *testing.T, on *engines.Engines, adjust ...func(*process.Options)) (w *harness, rounds int) {
	t.Helper()
	t.Cleanup(func() { require.NoError(t, on.Close()) })
	rounds = defaultRounds
	if text := os.Getenv(roundsVariable); text != "" {
		var err error
		rounds, err = strconv.Atoi(text)
		require.NoError(t, err, roundsVariable)
		require.Positive(t, rounds, "%s: no round would run", roundsVariable)
	}
	seed := rand.Uint64()
	t.Logf("%d rounds, seed %d", rounds, seed)
	binary, err := process.Binary(t.Context(), t.TempDir())
	require.NoError(t, err)
	options := process.Options{Binary: binary, DataDir: filepath.Join(t.TempDir(), "data")}
	require.NoError(t, on.NewLedger(t.Context(), &options))
	for _, a := range adjust {
		a(&options)
	}
	server, err := blackbox.Launch(options, nil, nil)
	require.NoError(t, err)
	t.Cleanup(func() { server.Kill() })
	w = &harness{t: t, server: server, random: rand.New(rand.NewPCG(seed, 1)), dense: on.Dense()}
	w.begin()
	return w, rounds
}

// begin makes what the clients are going to work with.
func (w *harness) begin() {
	t, server, random := w.t, w.server, w.random
	t.Helper()
	admin := server.Admin(t)
	w.product = blackbox.Created[api.Product](admin.Post("/v1/products", object{"code": "cad", "name": "CAD Suite"}))
	for code, seats := range map[string]int{"team": seatsPerLicense, "shared": sharedSeats} {
		blackbox.Created[api.Plan](admin.Post("/v1/products/"+w.product.ID.String()+"/plans", object{
			"code": code, "name": code, "type": "STANDARD", "max_machines": seats, "validity_days": 365,
		}))
	}
	answer := admin.Post("/v1/licenses", order("shared"))
	w.shared = newLicense(blackbox.Created[api.LicenseWithKey](answer))
	w.compared = answer.Position()
	for i := range customers {
		w.clients = append(w.clients, &client{
			name: strconv.Itoa(i), server: server, shared: w.shared.key,
			random: rand.New(rand.NewPCG(random.Uint64(), random.Uint64())),
		})
	}
}

// workUntilKilled lets all clients work and kills the server in the midst of it.
func (w *harness) workUntilKilled(round int) {
	w.t.Helper()
	if round%3 == 1 { // a rebuild may be under way when it happens
		name := []string{"licenses", "machines", "timeline"}[w.random.IntN(3)]
		begun := w.server.Admin(w.t).Post("/v1/projections/"+name+"/rebuild", nil)
		require.Equal(w.t, http.StatusAccepted, begun.Status, "%s", begun.Body)
	}
	answers := make(chan struct{}, customers)
	var working sync.WaitGroup
	for _, c := range w.clients {
		working.Go(func() { c.work(w.t.Context(), answers) })
	}
	after := 1 + w.random.IntN(mostAnswers)
	late := time.After(timeout)
	for range after {
		select {
		case <-answers:
		case <-late:
			w.server.Kill()
			require.FailNow(w.t, "the clients got too few answers")
		}
	}
	w.server.Kill()
	w.finish(&working, answers, nil)
}

// finish waits until all clients have stopped, and checks that they got no answer that should not have been.
func (w *harness) finish(working *sync.WaitGroup, answers, refusals <-chan struct{}) {
	w.t.Helper()
	stopped := make(chan struct{})
	go func() { working.Wait(); close(stopped) }()
	for open := true; open; {
		select {
		case <-answers:
		case <-refusals:
		case <-stopped:
			open = false
		}
	}
	for _, c := range w.clients {
		require.NoError(w.t, c.wrong, "client %s", c.name)
		w.acknowledged += len(c.answered)
	}
}
