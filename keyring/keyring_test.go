package keyring_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/keyring"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(server.With(m)) }

const (
	masterText      = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	otherMasterText = "//////////////////////////////////////////8="
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// predictable is randomness that is the same in every run.
type predictable struct {
	mu     sync.Mutex
	source *rand.ChaCha8
}

func newPredictable(seed byte) *predictable {
	return &predictable{source: rand.NewChaCha8([32]byte{seed})}
}

func (p *predictable) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.source.Read(b)
}

// failing is randomness that runs dry after some bytes.
type failing struct{ left int }

var errDry = errors.New("no randomness left")

func (f *failing) Read(b []byte) (int, error) {
	if f.left < len(b) {
		return 0, errDry
	}
	f.left -= len(b)
	return len(b), nil
}

func parseMaster(t testing.TB, text string) keyring.MasterKey {
	t.Helper()
	master, err := keyring.ParseMasterKey(text)
	require.NoError(t, err)
	return master
}

func config(t testing.TB, db *keyring.Database, random io.Reader) keyring.Config {
	t.Helper()
	return keyring.Config{DB: db, Master: parseMaster(t, masterText), Random: random, Now: func() time.Time { return start }}
}

// ring is a key ring together with its database.
type ring struct {
	*keyring.Keyring
	db     *keyring.Database
	engine engine
	place  string
}

// newRing makes a ring whose secrets follow from the seed.
func newRing(t testing.TB, e engine, seed byte) ring {
	t.Helper()
	return openRing(t, e, e.place(t), seed)
}

func openRing(t testing.TB, e engine, place string, seed byte) ring {
	t.Helper()
	db := e.open(t, place)
	k, err := keyring.Open(context.Background(), config(t, db, newPredictable(seed)))
	require.NoError(t, err)
	return ring{Keyring: k, db: db, engine: e, place: place}
}

// reopened is the same ring as another process finds it.
func (r ring) reopened(t testing.TB) ring {
	t.Helper()
	return openRing(t, r.engine, r.place, 99)
}

func (r ring) exec(t testing.TB, statement string, args ...any) {
	t.Helper()
	_, err := r.db.Exec(statement, args...)
	require.NoError(t, err)
}

// swapSealed exchanges the sealed bytes of two rows.
func (r ring) swapSealed(t testing.TB, table, column string, a, b any) {
	t.Helper()
	var sealed [2][]byte
	for i, row := range []any{a, b} {
		require.NoError(t, r.db.QueryRow("SELECT sealed FROM "+table+" WHERE "+column+" = $1", row).Scan(&sealed[i]))
	}
	r.exec(t, "UPDATE "+table+" SET sealed = $1 WHERE "+column+" = $2", sealed[0], b)
	r.exec(t, "UPDATE "+table+" SET sealed = $1 WHERE "+column+" = $2", sealed[1], a)
}

// golden compares with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, got, 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

func TestARingIsTheSameWhenOpenedAgain(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		first := newRing(t, e, 1)
		second := first.reopened(t)

		key := keyring.LicenseKey{Serial: 7, Generation: 1}
		require.Equal(t, first.FormatLicenseKey(key), second.FormatLicenseKey(key))
		require.Equal(t, first.SerialFor("t", "k"), second.SerialFor("t", "k"))
		require.Equal(t, first.HashRequest([]byte("r")), second.HashRequest([]byte("r")))
	})
}

func TestOpenRefusesAnotherMasterKey(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		r := newRing(t, e, 1)
		c := config(t, r.db, newPredictable(2))
		c.Master = parseMaster(t, otherMasterText)

		_, err := keyring.Open(t.Context(), c)
		require.ErrorIs(t, err, keyring.ErrWrongMasterKey)
	})
}

func TestOpenRefusesAnIncompleteConfiguration(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(*keyring.Config){
		"database":   func(c *keyring.Config) { c.DB = nil },
		"master key": func(c *keyring.Config) { c.Master = keyring.MasterKey{} },
		"randomness": func(c *keyring.Config) { c.Random = nil },
		"clock":      func(c *keyring.Config) { c.Now = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config(t, sqlite.open(t, sqlite.place(t)), newPredictable(1))
			remove(&c)
			_, err := keyring.Open(t.Context(), c)
			require.ErrorContains(t, err, "required")
		})
	}
}

func TestOpenRefusesDamagedDatabases(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		for name, c := range map[string]struct {
			damage string
			with   []any
			want   error
		}{
			"no ring but secrets": {`DELETE FROM ring`, nil, keyring.ErrDamaged},
			"a secret is missing": {`DELETE FROM ring_secrets WHERE purpose = 'component-hash'`, nil, keyring.ErrDamaged},
			"a secret is altered": {`UPDATE ring_secrets SET sealed = $1 WHERE purpose = 'request-hash'`, []any{make([]byte, 61)},
				keyring.ErrTampered},
			"a secret is cut": {`UPDATE ring_secrets SET sealed = $1 WHERE purpose = 'request-hash'`, []any{[]byte{1}},
				keyring.ErrTampered},
			"a secret is put back in time": {`UPDATE ring_secrets SET version = 2 WHERE purpose = 'license-key-mac'`, nil, keyring.ErrTampered},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := newRing(t, e, 1)
				r.exec(t, c.damage, c.with...)
				_, err := keyring.Open(t.Context(), config(t, r.db, newPredictable(2)))
				require.ErrorIs(t, err, c.want)
			})
		}
	})
}

func TestOpenRefusesSecretsThatStandInEachOthersRows(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		r := newRing(t, e, 1)
		r.swapSealed(t, "ring_secrets", "purpose", "request-hash", "component-hash")
		_, err := keyring.Open(t.Context(), config(t, r.db, newPredictable(2)))
		require.ErrorIs(t, err, keyring.ErrTampered)
	})
}

func TestARingThatRunsOutOfRandomnessIsNotMadeInPart(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		db := e.open(t, e.place(t))
		for _, enough := range []int{0, 40, 100, 200} { // five secrets with their nonces take 220 bytes
			_, err := keyring.Open(t.Context(), config(t, db, &failing{left: enough}))
			require.ErrorIs(t, err, errDry)
		}
		_, err := keyring.Open(t.Context(), config(t, db, &failing{left: 220}))
		require.NoError(t, err)
	})
}

func TestNothingWorksOnAClosedDatabaseAndNothingPanics(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		r := newRing(t, e, 1)
		subject, err := r.Subject(t.Context(), "default", "ada@example.com")
		require.NoError(t, err)
		require.NoError(t, r.db.Close())
		cold, err := e.connect(t, r.place)
		require.NoError(t, err)
		k, err := keyring.Open(t.Context(), config(t, cold, newPredictable(1)))
		require.NoError(t, err)
		require.NoError(t, cold.Close())

		_, err = k.Subject(t.Context(), "default", "ada@example.com")
		require.ErrorContains(t, err, "closed")
		_, err = k.Seal(t.Context(), subject, nil)
		require.ErrorContains(t, err, "closed")
		require.ErrorContains(t, k.EraseSubject(t.Context(), subject), "closed")
		require.ErrorContains(t, k.RotateLicenseKeySecret(t.Context()), "closed")
		_, err = k.NewSigningKey(t.Context(), "default", product, catalog.Ed25519)
		require.ErrorContains(t, err, "closed")
		_, err = k.Certify(t.Context(), "any", certificate())
		require.ErrorContains(t, err, "closed")
		_, err = keyring.Open(t.Context(), config(t, cold, newPredictable(1)))
		require.ErrorContains(t, err, "closed")
		_, err = keyring.LoadOrCreateMasterKey(t.Context(), filepath.Join(t.TempDir(), "master.key"), cold)
		require.ErrorContains(t, err, "closed")
	})
}

func TestPrintingARingShowsNoSecret(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		r := newRing(t, e, 1)
		c := config(t, r.db, newPredictable(1))
		for _, verb := range []string{"%v", "%+v", "%#v", "%d", "%x", "%s"} {
			require.NotContains(t, fmt.Sprintf(verb, c), "16 17 18", "the master key's bytes")
			require.Equal(t, "[key ring]", fmt.Sprintf(verb, r.Keyring))
		}
	})
}
