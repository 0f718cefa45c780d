package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/process"
)

const (
	seats             = 10          // machines per licence
	perBatch          = 1000        // licences issued at once
	spread            = 1000        // licences that take their machines in turns, so that clients do not queue for one of them
	eventsEach        = 1 + 2*seats // that a licence has when all its seats are taken
	maxActivationRate = 12_000      // activations per second that there are licences for
)

// load is a server with licences, and machines that take seats of them one after the other.
type load struct {
	settings
	server    *process.Process
	progress  io.Writer
	admin     string        // Authorization
	keys      []string      // licence keys
	activated atomic.Uint64 // machines, numbered from 0

	site          string        // the key of a licence that takes all machines of its measurement
	siteActivated atomic.Uint64 // machines of that licence, numbered from 0
}

// siteSeats are more than are taken.
const siteSeats = 1_000_000

func newLoad(ctx context.Context, s settings, o process.Options, server *process.Process, progress io.Writer) (*load, error) {
	key, err := os.ReadFile(filepath.Join(o.DataDir, "admin.key"))
	if err != nil {
		return nil, err
	}
	l := &load{settings: s, server: server, progress: progress, admin: "Bearer " + strings.TrimSpace(string(key))}
	c, err := dial(ctx, server.URL())
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	answer, err := c.mustPost("/v1/products", l.admin, []byte(`{"code":"cad","name":"CAD Suite"}`), http.StatusCreated)
	if err != nil {
		return nil, err
	}
	var product api.Product
	if err := json.Unmarshal(answer, &product); err != nil {
		return nil, err
	}
	for plan, machines := range map[string]int{"team": seats, "site": siteSeats} {
		body := fmt.Sprintf(`{"code":%q,"name":"A plan","type":"PROFESSIONAL","max_machines":%d,"validity_days":365,`+
			`"features":{"export":true,"projects":50}}`, plan, machines)
		if _, err := c.mustPost("/v1/products/"+product.ID.String()+"/plans", l.admin, []byte(body), http.StatusCreated); err != nil {
			return nil, err
		}
	}
	order := []byte(`{"product":"cad","plan":"site","customer":{"name":"Ada Byron","email":"ada@example.com"}}`)
	if answer, err = c.mustPost("/v1/licenses", l.admin, order, http.StatusCreated); err != nil {
		return nil, err
	}
	var issued api.IssuedLicense
	if err := json.Unmarshal(answer, &issued); err != nil {
		return nil, err
	}
	l.site = issued.Key
	return l, nil
}

// issue issues licences until there are so many.
func (l *load) issue(ctx context.Context, licenses int) error {
	missing := (licenses+spread-1)/spread*spread - len(l.keys)
	if missing <= 0 {
		return nil
	}
	c, err := dial(ctx, l.server.URL())
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	bar := newBar(l.progress, int64(missing), "issuing licences")
	one := `{"product":"cad","plan":"team","customer":{"name":"Ada Byron","email":"ada@example.com"}}`
	for missing > 0 && ctx.Err() == nil {
		n := min(missing, perBatch)
		body := `{"licenses":[` + strings.Repeat(one+",", n-1) + one + `]}`
		answer, err := c.mustPost("/v1/licenses/batch", l.admin, []byte(body), http.StatusOK)
		if err != nil {
			return err
		}
		var issued api.BatchOutcome
		if err := json.Unmarshal(answer, &issued); err != nil {
			return err
		}
		if issued.Issued != n {
			return fmt.Errorf("only %d of %d licences were issued", issued.Issued, n)
		}
		for _, o := range issued.Outcomes {
			l.keys = append(l.keys, o.License.Key)
		}
		missing -= n
		_ = bar.Add(n)
	}
	return errors.Join(bar.Finish(), ctx.Err())
}

// licenseOf is the licence key of a machine.
func (l *load) licenseOf(machine uint64) string {
	round, place := machine/(spread*seats), machine%spread
	return l.keys[round*spread+place]
}

// requestBody is the body of a request of the n-th machine of a licence. Every machine has a fingerprint of its own.
func requestBody(key string, n uint64) []byte {
	fingerprint := sha256.Sum256(binary.BigEndian.AppendUint64(nil, n))
	body := make([]byte, 0, 160)
	body = append(append(append(body, `{"license_key":"`...), key...), `","machine":{"fingerprint":"`...)
	return append(hex.AppendEncode(body, fingerprint[:]), `"}}`...)
}

// activateNext activates a machine that is new to the server.
func (l *load) activateNext(c *connection) error {
	n := l.activated.Add(1) - 1
	if n >= uint64(len(l.keys)*seats) {
		return errDone
	}
	_, err := c.mustPost("/v1/activations", "", requestBody(l.licenseOf(n), n), http.StatusCreated)
	return err
}

// activate measures activations of distinct machines, spread over many licences.
func (l *load) activate(ctx context.Context) (measured, error) {
	if err := l.issue(ctx, int(l.duration.Seconds()*1.2*maxActivationRate/seats)); err != nil {
		return measured{}, err
	}
	return driveFor(ctx, "activating", l.server.URL(), l.server.PID(), l.settings, l.progress, l.activateNext)
}

// validate measures validations of machines that were activated, chosen at random.
func (l *load) validate(ctx context.Context) (measured, error) {
	machines := min(l.activated.Load(), uint64(len(l.keys)*seats))
	return driveFor(ctx, "validating", l.server.URL(), l.server.PID(), l.settings, l.progress, func(c *connection) error {
		n := rand.Uint64N(machines) //nolint:gosec // no secret
		return validate(c, requestBody(l.licenseOf(n), n))
	})
}

func validate(c *connection, body []byte) error {
	answer, err := c.mustPost("/v1/validate", "", body, http.StatusOK)
	if err == nil && !bytes.Contains(answer, []byte(`"valid":true`)) {
		err = fmt.Errorf("not valid: %s", answer)
	}
	return err
}

// activateAtOne measures activations of distinct machines, all of one licence.
func (l *load) activateAtOne(ctx context.Context) (measured, error) {
	return driveFor(ctx, "activating at one licence", l.server.URL(), l.server.PID(), l.settings, l.progress, func(c *connection) error {
		_, err := c.mustPost("/v1/activations", "", requestBody(l.site, l.siteActivated.Add(1)-1), http.StatusCreated)
		return err
	})
}

// validateAtOne measures validations of machines of one licence, chosen at random.
func (l *load) validateAtOne(ctx context.Context) (measured, error) {
	machines := l.siteActivated.Load()
	return driveFor(ctx, "validating at one licence", l.server.URL(), l.server.PID(), l.settings, l.progress, func(c *connection) error {
		return validate(c, requestBody(l.site, rand.Uint64N(machines))) //nolint:gosec // no secret
	})
}

// fillLimit bounds how long the ledger is filled.
const fillLimit = 3 * time.Minute

// fill issues and activates until the ledger holds the events that were asked for, or time is up.
func (l *load) fill(ctx context.Context) error {
	if err := l.issue(ctx, int(l.events/eventsEach)+1); err != nil {
		return err
	}
	present := uint64(len(l.keys)) + 2*min(l.activated.Load(), uint64(len(l.keys)*seats))
	if present >= l.events {
		return nil
	}
	last := l.activated.Load() + (l.events-present)/2 + 1
	bar := newBar(l.progress, int64(last-l.activated.Load()), fmt.Sprintf("filling the ledger to %d events", l.events))
	limited, done := context.WithTimeout(ctx, fillLimit)
	defer done()
	_, err := drive(limited, l.server.URL(), l.clients, bar, func(c *connection) error {
		if l.activated.Load() >= last {
			return errDone
		}
		return l.activateNext(c)
	})
	return errors.Join(err, bar.Finish(), ctx.Err())
}
