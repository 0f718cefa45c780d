package keyring_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/keyring"
)

// filesOf is everything that the ring's database has on disk.
func filesOf(t testing.TB, k ring) string {
	t.Helper()
	var all strings.Builder
	for _, suffix := range []string{"", "-wal", "-shm"} {
		content, err := os.ReadFile(k.place + suffix)
		if !errors.Is(err, os.ErrNotExist) {
			require.NoError(t, err)
		}
		all.Write(content)
	}
	return all.String()
}

func TestWhatIsSealedForASubjectCanBeUnsealed(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		k := newRing(t, e, 1)
		ada := subjectOf(t, k, "ada@example.com")
		for _, clear := range [][]byte{[]byte("Ada Lovelace"), nil, bytes.Repeat([]byte("x"), keyring.MaxPersonalData)} {
			sealed, err := k.Seal(t.Context(), ada, clear)
			require.NoError(t, err)
			require.False(t, len(clear) > 0 && bytes.Contains(sealed, clear))
			for _, r := range []ring{k, k.reopened(t)} {
				got, err := r.Unseal(t.Context(), ada, sealed)
				require.NoError(t, err)
				require.Equal(t, string(clear), string(got))
			}
		}
	})
}

func TestSealingTheSameTwiceGivesDifferentBytes(t *testing.T) {
	t.Parallel()
	k := newRing(t, sqlite, 1)
	ada := subjectOf(t, k, "ada@example.com")
	a, err := k.Seal(t.Context(), ada, []byte("x"))
	require.NoError(t, err)
	b, err := k.Seal(t.Context(), ada, []byte("x"))
	require.NoError(t, err)
	require.NotEqual(t, a, b)
}

func TestAlteredSealedBytesAreRefused(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		k := newRing(t, e, 1)
		ada, bob := subjectOf(t, k, "ada@example.com"), subjectOf(t, k, "bob@example.com")
		sealed, err := k.Seal(t.Context(), ada, []byte("Ada Lovelace"))
		require.NoError(t, err)
		for i := range sealed {
			altered := bytes.Clone(sealed)
			altered[i] ^= 1
			_, err := k.Unseal(t.Context(), ada, altered)
			require.ErrorIs(t, err, keyring.ErrTampered, "byte %d", i)
			_, err = k.Unseal(t.Context(), ada, sealed[:i])
			require.ErrorIs(t, err, keyring.ErrTampered, "cut to %d bytes", i)
		}
		_, err = k.Unseal(t.Context(), bob, sealed)
		require.ErrorIs(t, err, keyring.ErrTampered, "sealed for someone else")
		_, err = k.Unseal(t.Context(), ada, make([]byte, keyring.MaxPersonalData+100))
		require.ErrorIs(t, err, keyring.ErrTampered)
	})
}

func TestTooMuchPersonalDataIsRefused(t *testing.T) {
	t.Parallel()
	k := newRing(t, sqlite, 1)
	_, err := k.Seal(t.Context(), subjectOf(t, k, "ada@example.com"), make([]byte, keyring.MaxPersonalData+1))
	require.ErrorIs(t, err, keyring.ErrTooLarge)
}

func TestNothingIsSealedForASubjectThatNeverWas(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		k := newRing(t, e, 1)
		_, err := k.Seal(t.Context(), uuid.New(), nil)
		require.ErrorIs(t, err, keyring.ErrUnknownSubject)
		_, err = k.Unseal(t.Context(), uuid.New(), make([]byte, 100))
		require.ErrorIs(t, err, keyring.ErrUnknownSubject)
		require.ErrorIs(t, k.EraseSubject(t.Context(), uuid.New()), keyring.ErrUnknownSubject)
	})
}

func TestSealingWithoutRandomnessFails(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		r := newRing(t, e, 1)
		ada := subjectOf(t, r, "ada@example.com")
		dry, err := keyring.Open(t.Context(), config(t, r.db, &failing{}))
		require.NoError(t, err)
		_, err = dry.Seal(t.Context(), ada, nil)
		require.ErrorIs(t, err, errDry)
	})
}

func TestTamperedRowsOfSubjectsAreRefused(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		for name, tamper := range map[string]func(r ring, ada, bob uuid.UUID){
			"keys swapped":   func(r ring, ada, bob uuid.UUID) { r.swapSealed(t, "subjects", "id", ada, bob) },
			"another tenant": func(r ring, ada, _ uuid.UUID) { r.exec(t, `UPDATE subjects SET tenant = 'other' WHERE id = $1`, ada) },
			"another person": func(r ring, ada, _ uuid.UUID) {
				r.exec(t, `UPDATE subjects SET lookup = $1 WHERE id = $2`, []byte{0}, ada)
			},
			"another key": func(r ring, ada, _ uuid.UUID) {
				r.exec(t, `UPDATE subjects SET sealed = $1 WHERE id = $2`, make([]byte, 61), ada)
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				k := newRing(t, e, 1)
				ada := subjectOf(t, k, "ada@example.com")
				tamper(k, ada, subjectOf(t, k, "bob@example.com"))
				_, err := k.reopened(t).Seal(t.Context(), ada, nil)
				require.ErrorIs(t, err, keyring.ErrTampered)
			})
		}
	})
}

func TestAnErasedSubjectIsGoneForGood(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		k := newRing(t, e, 1)
		ada, bob := subjectOf(t, k, "ada@example.com"), subjectOf(t, k, "bob@example.com")
		sealed := map[uuid.UUID][]byte{}
		for _, subject := range []uuid.UUID{ada, bob} {
			var err error
			sealed[subject], err = k.Seal(t.Context(), subject, []byte("name"))
			require.NoError(t, err)
		}

		require.NoError(t, k.EraseSubject(t.Context(), ada))
		require.NoError(t, k.EraseSubject(t.Context(), ada), "erasing again does no harm")

		for _, r := range []ring{k, k.reopened(t)} {
			_, err := r.Unseal(t.Context(), ada, sealed[ada])
			require.ErrorIs(t, err, keyring.ErrKeyGone)
			_, err = r.Seal(t.Context(), ada, []byte("name"))
			require.ErrorIs(t, err, keyring.ErrKeyGone)
			got, err := r.Unseal(t.Context(), bob, sealed[bob])
			require.NoError(t, err)
			require.Equal(t, "name", string(got))
		}
		require.NotEqual(t, ada, subjectOf(t, k, "ada@example.com"), "who comes back is someone new")
	})
}

func TestErasingLeavesNoByteOfTheKeyOnDisk(t *testing.T) {
	t.Parallel()
	k := newRing(t, sqlite, 1)
	const people = 3_000 // many pages
	var identities []string
	for i := range people {
		identities = append(identities, fmt.Sprintf("person-%d@example.com", i))
	}
	var ids []uuid.UUID
	for batch := 0; batch < people; batch += 500 {
		made, err := k.Subjects(t.Context(), "default", identities[batch:batch+500])
		require.NoError(t, err)
		ids = append(ids, made...)
	}
	for i := 0; i < people; i += 100 {
		var sealed, lookup []byte
		require.NoError(t, k.db.QueryRow(`SELECT sealed, lookup FROM subjects WHERE id = $1`, ids[i]).Scan(&sealed, &lookup))
		require.Contains(t, filesOf(t, k), string(sealed))
		require.NoError(t, k.EraseSubject(t.Context(), ids[i]))
		left := filesOf(t, k)
		require.NotContains(t, left, string(sealed))
		require.NotContains(t, left, string(sealed[13:29]), "nor a part of it")
		require.NotContains(t, left, string(lookup))
	}
}

func TestNobodyReadsASubjectOnceErasingHasReturned(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		k := newRing(t, e, 1)
		for round := range 20 {
			subject := subjectOf(t, k, fmt.Sprint(round))
			sealed, err := k.Seal(t.Context(), subject, []byte("name"))
			require.NoError(t, err)
			var readers sync.WaitGroup
			for range 4 {
				readers.Go(func() {
					for {
						if _, err := k.Unseal(context.Background(), subject, sealed); err != nil {
							if !errors.Is(err, keyring.ErrKeyGone) {
								t.Error(err)
							}
							return
						}
					}
				})
			}
			require.NoError(t, k.EraseSubject(t.Context(), subject))
			_, err = k.Unseal(t.Context(), subject, sealed)
			require.ErrorIs(t, err, keyring.ErrKeyGone)
			readers.Wait()
		}
	})
}

func TestAReaderOfTheLogKeepsAnErasureFromBeingCalledComplete(t *testing.T) {
	t.Parallel()
	k := newRing(t, sqlite, 1)
	ada := subjectOf(t, k, "ada@example.com")
	k.db.SetMaxOpenConns(1)
	k.exec(t, `PRAGMA busy_timeout = 0`) // of that one connection
	conn, err := sqlite.open(t, k.place).Conn(t.Context())
	require.NoError(t, err)
	_, err = conn.ExecContext(t.Context(), `BEGIN DEFERRED`)
	require.NoError(t, err)
	var n int
	require.NoError(t, conn.QueryRowContext(t.Context(), `SELECT count(*) FROM subjects`).Scan(&n))

	require.ErrorContains(t, k.EraseSubject(t.Context(), ada), "erase again")
	_, err = k.Seal(t.Context(), ada, nil)
	require.ErrorIs(t, err, keyring.ErrKeyGone)

	_, err = conn.ExecContext(t.Context(), `ROLLBACK`)
	require.NoError(t, err)
	require.NoError(t, conn.Close())
	require.NoError(t, k.EraseSubject(t.Context(), ada))
}

func BenchmarkSeal(b *testing.B) {
	k := newRing(b, sqlite, 1)
	ada := subjectOf(b, k, "ada@example.com")
	for b.Loop() {
		_, err := k.Seal(b.Context(), ada, []byte(`{"name":"Ada Lovelace","email":"ada@example.com"}`))
		require.NoError(b, err)
	}
}

func BenchmarkUnseal(b *testing.B) {
	k := newRing(b, sqlite, 1)
	ada := subjectOf(b, k, "ada@example.com")
	sealed, err := k.Seal(b.Context(), ada, []byte(`{"name":"Ada Lovelace","email":"ada@example.com"}`))
	require.NoError(b, err)
	for b.Loop() {
		_, err := k.Unseal(b.Context(), ada, sealed)
		require.NoError(b, err)
	}
}
