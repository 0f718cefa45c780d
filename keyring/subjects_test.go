package keyring_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/keyring"
)

func subjectOf(t testing.TB, k ring, identity string) uuid.UUID {
	t.Helper()
	id, err := k.Subject(t.Context(), "default", identity)
	require.NoError(t, err)
	return id
}

func TestAPersonIsTheSameSubjectHoweverTheIdentityIsSpelled(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		k := newRing(t, e, 1)
		ada := subjectOf(t, k, "ada@example.com")
		require.NotEqual(t, uuid.Nil, ada)
		require.Equal(t, ada, subjectOf(t, k, " Ada@EXAMPLE.com\n"))
		require.Equal(t, ada, subjectOf(t, k.reopened(t), "ada@example.com"))
		require.NotEqual(t, ada, subjectOf(t, k, "bob@example.com"))
	})
}

func TestAPersonIsAnotherSubjectForEachTenant(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		k := newRing(t, e, 1)
		other, err := k.Subject(t.Context(), "other", "ada@example.com")
		require.NoError(t, err)
		require.NotEqual(t, subjectOf(t, k, "ada@example.com"), other)
	})
}

func TestNothingOfAnIdentityIsStored(t *testing.T) {
	t.Parallel()
	k := newRing(t, sqlite, 1)
	subjectOf(t, k, "ada.lovelace@example.com")
	require.NotContains(t, filesOf(t, k), "lovelace")
}

func TestManySubjectsComeInTheOrderOfTheirIdentities(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		k := newRing(t, e, 1)
		bob := subjectOf(t, k, "bob@example.com")
		ids, err := k.Subjects(t.Context(), "default", []string{"ada@example.com", "bob@example.com", "ADA@example.com", "eve@example.com"})
		require.NoError(t, err)
		require.Len(t, ids, 4)
		require.Equal(t, bob, ids[1])
		require.Equal(t, ids[0], ids[2])
		require.Len(t, map[uuid.UUID]bool{ids[0]: true, ids[1]: true, ids[3]: true}, 3)

		none, err := k.Subjects(t.Context(), "default", nil)
		require.NoError(t, err)
		require.Empty(t, none)
	})
}

func TestBadIdentitiesAreRefusedAndNoneIsStored(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		k := newRing(t, e, 1)
		for name, identities := range map[string][]string{
			"empty":     {"ada@example.com", ""},
			"blank":     {" \t"},
			"too long":  {strings.Repeat("x", keyring.MaxIdentityLength+1)},
			"not UTF-8": {"\xff"},
			"too many":  make([]string, keyring.MaxIdentities+1),
		} {
			_, err := k.Subjects(t.Context(), "default", identities)
			var invalid *domainerr.Invalid
			require.ErrorAs(t, err, &invalid, name)
		}
		require.Zero(t, countSubjects(t, k))
		subjectOf(t, k, strings.Repeat("x", keyring.MaxIdentityLength))
	})
}

func TestConcurrentCallersGetOneSubjectPerPerson(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		k := newRing(t, e, 1)
		const people, callers = 40, 400
		ids := make([]uuid.UUID, callers)
		errs := make([]error, callers)
		var wg sync.WaitGroup
		for i := range callers {
			wg.Go(func() {
				ids[i], errs[i] = k.Subject(context.Background(), "default", fmt.Sprintf("person-%d@example.com", i%people))
			})
		}
		wg.Wait()
		for i := range callers {
			require.NoError(t, errs[i])
			require.Equal(t, ids[i%people], ids[i])
		}
		require.Equal(t, people, countSubjects(t, k))
	})
}

func TestWaitingCallersShareATransaction(t *testing.T) {
	t.Parallel()
	k := newRing(t, sqlite, 1)
	single := make([]int, keyring.SubjectsPerCommit+1)
	for i := range single {
		single[i] = 1
	}
	require.Equal(t, []int{keyring.SubjectsPerCommit, 1}, k.TakeSizes(single...))
	require.Equal(t, []int{1, 2}, k.TakeSizes(1_000, 200, 56), "a bulk goes as a whole, whatever its size")
	require.Equal(t, []int{1, 1}, k.TakeSizes(200, 57))
}

func TestACallerWhoGivesUpLeavesTheQueueAndStoresNothing(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		k := newRing(t, e, 1)
		release := k.HoldWriting()
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error)
		go func() {
			_, err := k.Subject(ctx, "default", "ada@example.com")
			failed <- err
		}()
		require.Eventually(t, func() bool { return k.Waiting() == 1 }, time.Minute, time.Millisecond)
		cancel()
		require.ErrorIs(t, <-failed, context.Canceled)
		require.Zero(t, k.Waiting())

		require.ErrorIs(t, k.EraseSubject(ctx, uuid.New()), context.Canceled, "other writers give up too")
		release()
		subjectOf(t, k, "bob@example.com")
		require.Equal(t, 1, countSubjects(t, k))
	})
}

func TestATransactionForManyIsNotGivenUpWithTheCallerWhoRunsIt(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		r := newRing(t, e, 1)
		ctx, cancel := context.WithCancel(t.Context())
		c := config(t, r.db, newPredictable(2))
		c.Now = func() time.Time { // asked in the midst of the transaction
			cancel()
			return start
		}
		k, err := keyring.Open(t.Context(), c)
		require.NoError(t, err)
		_, _ = k.Subject(ctx, "default", "ada@example.com")
		require.Error(t, ctx.Err())
		require.Equal(t, 1, countSubjects(t, r))
	})
}

func TestTheQueueOfCallersIsBounded(t *testing.T) {
	t.Parallel()
	k := newRing(t, sqlite, 1)
	k.FillWaiting()
	_, err := k.Subject(t.Context(), "default", "ada@example.com")
	require.ErrorIs(t, err, keyring.ErrBusy)
}

func TestSubjectsWithoutRandomnessAreNotMade(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		r := newRing(t, e, 1)
		for _, enough := range []int{0, 16, 48} { // the id, the key, the nonce
			k, err := keyring.Open(t.Context(), config(t, r.db, &failing{left: enough}))
			require.NoError(t, err)
			_, err = k.Subject(t.Context(), "default", "ada@example.com")
			require.ErrorIs(t, err, errDry)
		}
		require.Zero(t, countSubjects(t, r))
	})
}

func countSubjects(t testing.TB, k ring) int {
	t.Helper()
	var n int
	require.NoError(t, k.db.QueryRow(`SELECT count(*) FROM subjects`).Scan(&n))
	return n
}

func BenchmarkSubjectAlone(b *testing.B) {
	k := newRing(b, sqlite, 1)
	for i := 0; b.Loop(); i++ {
		_, err := k.Subject(b.Context(), "default", fmt.Sprint(i))
		require.NoError(b, err)
	}
}

func BenchmarkSubjectBy256Callers(b *testing.B) {
	k := newRing(b, sqlite, 1)
	b.SetParallelism(128) // times GOMAXPROCS
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, err := k.Subject(context.Background(), "default", uuid.NewString())
			if err != nil {
				b.Error(err)
			}
		}
	})
}
