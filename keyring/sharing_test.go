package keyring_test

import (
	"context"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/keyring"
	"github.com/licenseledger/licenseledger/tests/support/services"
)

// clock stands still unless it is moved.
type clock struct{ moved atomic.Int64 }

func (c *clock) now() time.Time       { return start.Add(time.Duration(c.moved.Load())) }
func (c *clock) move(d time.Duration) { c.moved.Add(int64(d)) }

// interrupted is randomness that does something else before its n-th read.
type interrupted struct {
	io.Reader
	n  int
	do func()
}

func (i *interrupted) Read(b []byte) (int, error) {
	if i.n--; i.n == 0 {
		i.do()
	}
	return i.Reader.Read(b)
}

// process is a ring as one of several processes holds it.
type process struct {
	ring
	clock *clock
}

func startProcess(t testing.TB, place string, random io.Reader) process {
	t.Helper()
	c := &clock{}
	db := postgres.open(t, place)
	settings := config(t, db, random)
	settings.Now = c.now
	k, err := keyring.Open(context.Background(), settings)
	require.NoError(t, err)
	return process{ring: ring{Keyring: k, db: db, engine: postgres, place: place}, clock: c}
}

// twoProcesses share a ring.
func twoProcesses(t testing.TB) (a, b process) {
	t.Helper()
	place := postgres.place(t)
	return startProcess(t, place, newPredictable(1)), startProcess(t, place, newPredictable(2))
}

func TestProcessesThatStartForTheFirstTimeAtOnceMakeOneRing(t *testing.T) {
	t.Parallel()
	place := postgres.place(t)
	serials := make([]uint64, 6)
	var wg sync.WaitGroup
	for i := range serials {
		wg.Go(func() {
			db, err := postgres.connect(t, place)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = db.Close() }()
			k, err := keyring.Open(context.Background(), config(t, db, newPredictable(byte(i))))
			if err != nil {
				t.Error(err)
				return
			}
			serials[i] = k.SerialFor("default", "order-1")
		})
	}
	wg.Wait()
	require.Len(t, slices.Compact(serials), 1)
	require.NotZero(t, serials[0])
}

func TestAProcessWaitsForTheRingThatAnotherIsMaking(t *testing.T) {
	t.Parallel()
	place := postgres.place(t)
	db, name := openNamed(t, place)
	settings := config(t, db, newPredictable(1))
	var b *keyring.Keyring
	var failed error
	ended := make(chan struct{})
	a := startProcess(t, place, &interrupted{Reader: newPredictable(2), n: 1, do: func() {
		go func() {
			defer close(ended)
			b, failed = keyring.Open(context.Background(), settings)
		}()
		awaitLockOf(t, name)
	}})
	<-ended
	require.NoError(t, failed)
	require.Equal(t, a.SerialFor("default", "order-1"), b.SerialFor("default", "order-1"))
}

func TestAProcessTakesTheSubjectThatAnotherMadeInTheMeantime(t *testing.T) {
	t.Parallel()
	place := postgres.place(t)
	b := startProcess(t, place, newPredictable(1))
	var theirs uuid.UUID
	a := startProcess(t, place, &interrupted{Reader: newPredictable(2), n: 1, do: func() { theirs = subjectOf(t, b.ring, "ada@example.com") }})

	ours := subjectOf(t, a.ring, "ada@example.com")
	require.NotZero(t, theirs)
	require.Equal(t, theirs, ours)
	sealed, err := a.Seal(t.Context(), ours, []byte("Ada"))
	require.NoError(t, err)
	clear, err := b.Unseal(t.Context(), ours, sealed)
	require.NoError(t, err)
	require.Equal(t, "Ada", string(clear))
	require.Equal(t, 1, countSubjects(t, a.ring))
}

func TestASubjectThatWasMadeAndErasedInTheMeantimeIsMadeAnew(t *testing.T) {
	t.Parallel()
	place := postgres.place(t)
	b := startProcess(t, place, newPredictable(1))
	var theirs uuid.UUID
	a := startProcess(t, place, &interrupted{Reader: newPredictable(2), n: 1, do: func() {
		theirs = subjectOf(t, b.ring, "ada@example.com")
		require.NoError(t, b.EraseSubject(context.Background(), theirs))
	}})
	require.NotEqual(t, theirs, subjectOf(t, a.ring, "ada@example.com"))
}

func TestProcessesThatMakeTheSameSubjectsInDifferentOrdersDoNotBlockEachOther(t *testing.T) {
	t.Parallel()
	place := postgres.place(t)
	identities := []string{"ada@example.com", "bob@example.com"}
	db, name := openNamed(t, place)
	b, err := keyring.Open(t.Context(), config(t, db, newPredictable(1)))
	require.NoError(t, err)
	reversed := slices.Clone(identities)
	slices.Reverse(reversed)

	var theirs []uuid.UUID
	var failed error
	ended := make(chan struct{})
	const secondSubject = 4 // a subject takes three reads
	a := startProcess(t, place, &interrupted{Reader: newPredictable(2), n: secondSubject, do: func() {
		go func() {
			defer close(ended)
			theirs, failed = b.Subjects(context.Background(), "default", reversed)
		}()
		awaitLockOf(t, name)
	}})
	ours, err := a.Subjects(t.Context(), "default", identities)
	require.NoError(t, err)
	<-ended
	require.NoError(t, failed)
	slices.Reverse(theirs)
	require.Equal(t, ours, theirs)
}

// openNamed opens a database with connections that can be told from all others by their application's name.
func openNamed(t testing.TB, place string) (db *keyring.Database, name string) {
	t.Helper()
	name = uuid.NewString()
	db, err := keyring.OpenPostgres(context.Background(), with(t, server.URL(), "application_name", name), keyring.Schema(place))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db, name
}

// with returns a connection string with another setting.
func with(t testing.TB, connection, name, value string) string {
	t.Helper()
	u, err := url.Parse(connection)
	require.NoError(t, err)
	query := u.Query()
	query.Set(name, value)
	u.RawQuery = query.Encode()
	return u.String()
}

// awaitLockOf waits until a connection of an application waits for a lock.
func awaitLockOf(t testing.TB, application string) {
	t.Helper()
	conn := services.Connect(t, server.URL())
	defer func() { require.NoError(t, conn.Close(context.Background())) }()
	for waiting := false; !waiting; {
		require.NoError(t, conn.QueryRow(context.Background(), `SELECT EXISTS (SELECT 1 FROM pg_stat_activity
			WHERE application_name = $1 AND wait_event_type = 'Lock')`, application).Scan(&waiting))
	}
}

func TestASigningKeyOfOneProcessSignsInAnother(t *testing.T) {
	t.Parallel()
	a, b := twoProcesses(t)
	for _, algorithm := range []catalog.Algorithm{catalog.Ed25519, catalog.RSA2048} {
		key, err := a.NewSigningKey(t.Context(), "default", product, algorithm)
		require.NoError(t, err)
		token, err := b.Certify(t.Context(), key.ID, certificate())
		require.NoError(t, err)
		_, err = keyring.Verify(token, keySet(t, key), start)
		require.NoError(t, err)
	}
}

func TestALicenseKeyUnderASecretThatAnotherProcessMadeIsAccepted(t *testing.T) {
	t.Parallel()
	a, b := twoProcesses(t)
	key := keyring.LicenseKey{Serial: 5, Generation: 2}
	old := a.FormatLicenseKey(key)
	require.NoError(t, a.RotateLicenseKeySecret(t.Context()))
	newer := a.FormatLicenseKey(key)
	require.NotEqual(t, old, newer)

	for _, text := range []string{newer, old} {
		parsed, err := b.ParseLicenseKey(t.Context(), text)
		require.NoError(t, err)
		require.Equal(t, key, parsed)
	}
	require.Equal(t, newer, b.FormatLicenseKey(key), "it uses the new secret from then on")
}

func TestWrongLicenseKeysCauseOneLookForNewerSecretsPerSecond(t *testing.T) {
	t.Parallel()
	a, b := twoProcesses(t)
	const forged = "ABCDE-FGHJK-MNPQR-STVWX-YZ012"
	_, err := b.ParseLicenseKey(t.Context(), forged)
	require.ErrorIs(t, err, keyring.ErrLicenseKeyInvalid)
	require.NoError(t, a.RotateLicenseKeySecret(t.Context()))
	genuine := a.FormatLicenseKey(keyring.LicenseKey{Serial: 5})

	b.clock.move(time.Second - 1)
	_, err = b.ParseLicenseKey(t.Context(), genuine)
	require.ErrorIs(t, err, keyring.ErrLicenseKeyInvalid, "it has just looked")
	b.clock.move(1)
	_, err = b.ParseLicenseKey(t.Context(), genuine)
	require.NoError(t, err)
}

func TestALicenseKeyIsNotCalledInvalidWhenNewerSecretsCannotBeLookedFor(t *testing.T) {
	t.Parallel()
	a, b := twoProcesses(t)
	known := b.FormatLicenseKey(keyring.LicenseKey{Serial: 5})
	require.NoError(t, a.RotateLicenseKeySecret(t.Context()))
	genuine := a.FormatLicenseKey(keyring.LicenseKey{Serial: 5})
	require.NoError(t, b.db.Close())
	for range 2 {
		_, err := b.ParseLicenseKey(t.Context(), genuine)
		require.NotErrorIs(t, err, keyring.ErrLicenseKeyInvalid)
		require.ErrorIs(t, err, keyring.ErrUnavailable)
		require.ErrorContains(t, err, "closed")
		require.NotContains(t, err.Error(), genuine[:5])
	}
	_, err := b.ParseLicenseKey(t.Context(), known)
	require.NoError(t, err)
}

func TestEveryRotationOfSeveralProcessesCounts(t *testing.T) {
	t.Parallel()
	a, b := twoProcesses(t)
	const rounds = 5
	var wg sync.WaitGroup
	handedOut := make(chan string, 2*rounds)
	for _, p := range []process{a, b} {
		wg.Go(func() {
			for range rounds {
				if err := p.RotateLicenseKeySecret(context.Background()); err != nil {
					t.Error(err)
				}
				handedOut <- p.FormatLicenseKey(keyring.LicenseKey{Serial: 5})
			}
		})
	}
	wg.Wait()
	close(handedOut)
	var versions int
	require.NoError(t, a.db.QueryRow(`SELECT count(*) FROM ring_secrets WHERE purpose = 'license-key-mac'`).Scan(&versions))
	require.Equal(t, 1+2*rounds, versions)
	for text := range handedOut {
		for _, p := range []process{a, b} {
			_, err := p.ParseLicenseKey(t.Context(), text)
			require.NoError(t, err)
		}
	}
}

func TestAnErasureReachesTheOtherProcessesWithinTheDelay(t *testing.T) {
	t.Parallel()
	for name, passed := range map[string]time.Duration{"after the delay": keyring.ErasureDelay, "when the clock is set back": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := twoProcesses(t)
			ada, bob := subjectOf(t, a.ring, "ada@example.com"), subjectOf(t, b.ring, "bob@example.com")
			sealed := map[uuid.UUID][]byte{}
			for _, subject := range []uuid.UUID{ada, bob} {
				var err error
				sealed[subject], err = b.Seal(t.Context(), subject, []byte("name"))
				require.NoError(t, err)
				require.NoError(t, a.EraseSubject(t.Context(), subject))
			}
			b.clock.move(passed)
			for subject, bytes := range sealed {
				_, err := b.Unseal(t.Context(), subject, bytes)
				require.ErrorIs(t, err, keyring.ErrKeyGone)
				_, err = b.Seal(t.Context(), subject, []byte("name"))
				require.ErrorIs(t, err, keyring.ErrKeyGone)
			}
		})
	}
}

func TestAKeyIsReadAgainOnlyAfterTheDelayAndOnlyWhereItMayBeErasedByOthers(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		c := &clock{}
		db := e.open(t, e.place(t))
		settings := config(t, db, newPredictable(1))
		settings.Now = c.now
		k, err := keyring.Open(t.Context(), settings)
		require.NoError(t, err)
		ada, err := k.Subject(t.Context(), "default", "ada@example.com")
		require.NoError(t, err)
		require.NoError(t, db.Close())

		c.move(keyring.ErasureDelay - 1)
		_, err = k.Seal(t.Context(), ada, nil)
		require.NoError(t, err)
		c.move(1)
		_, err = k.Seal(t.Context(), ada, nil)
		require.Equal(t, e.name == sqlite.name, err == nil)
	})
}

func TestPostgreSQLThatMayLoseKeysIsRefused(t *testing.T) {
	t.Parallel()
	_, err := keyring.OpenPostgres(t.Context(), with(t, server.URL(), "synchronous_commit", "off"), keyring.Schema(postgres.place(t)))
	require.ErrorContains(t, err, "synchronous_commit is off")
}

func TestKeysInPostgreSQLOfANewerProgramAreRefused(t *testing.T) {
	t.Parallel()
	place := postgres.place(t)
	db := postgres.open(t, place)
	_, err := db.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)`)
	require.NoError(t, err)
	_, err = postgres.connect(t, place)
	require.ErrorContains(t, err, "newer version")
}

func TestAProcessHasNoMoreConnectionsToItsKeysThanItMay(t *testing.T) {
	t.Parallel()
	require.Equal(t, keyring.DefaultPostgresConnections, postgres.open(t, postgres.place(t)).Stats().MaxOpenConnections)

	open := func(n int) (*keyring.Database, error) {
		return keyring.OpenPostgres(t.Context(), server.URL(), keyring.Schema(server.Schema(t)), keyring.MaxConnections(n))
	}
	_, err := open(keyring.MinPostgresConnections - 1)
	require.ErrorContains(t, err, "too few")
	db, err := open(keyring.MinPostgresConnections)
	require.NoError(t, err)
	defer func() { require.NoError(t, db.Close()) }()
	k, err := keyring.Open(t.Context(), config(t, db, newPredictable(1)))
	require.NoError(t, err)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			id, err := k.Subject(t.Context(), "acme", strings.Repeat("x", i+1)+"@example.com")
			if err == nil {
				_, err = k.Seal(t.Context(), id, []byte("name"))
			}
			if err == nil {
				_, err = k.NewSigningKey(t.Context(), "acme", uuid.New(), catalog.Ed25519)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	require.LessOrEqual(t, db.Stats().OpenConnections, keyring.MinPostgresConnections)
}

func TestNoErrorRepeatsAPassword(t *testing.T) {
	t.Parallel()
	for _, connection := range []string{"postgres://user:se+cret@host:port/db", "password=se+cret host", strings.Repeat("se+cret", 2),
		"postgres://user:se+cret@/db?" + url.Values{"host": {t.TempDir()}}.Encode()} {
		_, err := keyring.OpenPostgres(t.Context(), connection)
		require.Error(t, err)
		require.NotContains(t, err.Error(), "cret")
	}
}
