package license_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/license"
)

// goldenHistory is a licence's events as they stand in somebody's ledger, and what they have to mean for good.
type goldenHistory struct {
	History   string
	Status    license.Status
	DecidedBy event.Type `json:"decided_by"`
	Events    []struct {
		Type event.Type
		Data json.RawMessage
	}
}

// TestHistoriesKeepTheirMeaning holds every future program to the status that a history had when it was written.
func TestHistoriesKeepTheirMeaning(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/histories/status.json")
	require.NoError(t, err)
	var histories []goldenHistory
	require.NoError(t, json.Unmarshal(text, &histories))
	require.NotEmpty(t, histories)
	for _, golden := range histories {
		t.Run(golden.History, func(t *testing.T) {
			t.Parallel()
			var s *license.Stream
			for i, written := range golden.Events {
				decoded, err := domain.Events().Decode(event.Envelope{
					Position: event.Position(i + 1), Revision: event.Revision(i + 1), Stream: license.StreamName(licenseID),
					Pending: event.Pending{ID: uuid.New(), Type: written.Type, Data: written.Data},
				})
				require.NoError(t, err)
				s, err = license.Fold(s, decoded)
				require.NoError(t, err)
			}
			require.Equal(t, golden.Status, s.Status())
			require.Equal(t, golden.DecidedBy, s.StatusEvent().Type)
			requireSame(t, s, restored(t, s), "a snapshot keeps the meaning too")
			verdict := s.Verdict(license.Validate{}, noon)
			require.Equal(t, golden.DecidedBy, verdict.DecidedBy[0].Type)
		})
	}
}

// TestTheStatusIsTheGravestFactInWhateverOrderTheFactsCame plays every order of every set of the three facts.
func TestTheStatusIsTheGravestFactInWhateverOrderTheFactsCame(t *testing.T) {
	t.Parallel()
	facts := []event.Payload{
		license.Expired{ExpiredAt: inAMonth}, license.Suspended{Reason: "unpaid", SuspendedAt: noon},
		license.Revoked{Reason: "fraud", RevokedAt: noon},
	}
	statuses := []license.Status{license.StatusExpired, license.StatusSuspended, license.StatusRevoked} // the gravest last
	var step func(s *license.Stream, held [3]bool)
	step = func(s *license.Stream, held [3]bool) {
		expected := license.StatusActive
		for i, status := range statuses {
			if held[i] {
				expected = status
			}
		}
		require.Equal(t, expected, s.Status(), held)
		require.Equal(t, held, [3]bool{s.Expiry != nil, s.Suspension != nil, s.Revocation != nil}, "no fact ends another")
		for i, fact := range facts {
			if !held[i] {
				with := held
				with[i] = true
				step(fold(t, s, fact), with)
			}
		}
	}
	step(fold(t, nil, issued(expires(inAMonth))), [3]bool{})
}

func TestARenewalLiftsNoSuspension(t *testing.T) {
	t.Parallel()
	later := inAMonth.Add(time.Hour)
	s := given(t, issued(expires(inAMonth)),
		license.Suspended{Reason: "unpaid"}).at(later).when(license.Renew{Reason: "paid", ExtendDays: new(5)})
	require.NoError(t, s.err)
	renewed := fold(t, s.stream, s.events...)
	require.Equal(t, license.StatusSuspended, renewed.Status())
	require.Equal(t, license.StatusActive, fold(t, renewed, license.Reinstated{Reason: "paid"}).Status())
}

func TestAnExpiredLicenseCanBeSuspendedAndReinstatedAndIsStillExpired(t *testing.T) {
	t.Parallel()
	past := noon.Add(-day)
	expired := fold(t, nil, issued(expires(past)), license.Expired{ExpiredAt: past})
	suspended := fold(t, expired, license.Suspended{Reason: "unpaid"})
	require.Equal(t, license.StatusSuspended, suspended.Status())
	reinstated := fold(t, suspended, license.Reinstated{Reason: "paid"})
	require.Equal(t, license.StatusExpired, reinstated.Status())
	require.Equal(t, expired.StatusEvent(), reinstated.StatusEvent())
}

func TestAnExpiryThatAWrongClockRecordedIsUndone(t *testing.T) {
	t.Parallel()
	undo := license.UndoExpiry{Reason: "wrong clock", LedgerTime: noon}
	undone := license.ExpiryUndone{Reason: "wrong clock", ExpiresAt: inAMonth, UndoneAt: noon}
	wrong := []event.Payload{issued(expires(inAMonth)), license.Expired{ExpiredAt: inAMonth}}
	given(t, wrong...).when(undo).then(undone)
	given(t, append(wrong, license.Suspended{Reason: "unpaid"})...).when(undo).then(undone)
	require.Equal(t, license.StatusActive, fold(t, nil, append(wrong, undone)...).Status())

	given(t, append(wrong, license.Revoked{Reason: "fraud"})...).when(undo).thenRefused(license.ErrInvalidTransition)
	given(t, append(wrong, undone)...).when(undo).thenRefused(license.ErrInvalidTransition)
	given(t, issued(expires(inAMonth))).when(undo).thenRefused(license.ErrInvalidTransition)
	given(t, issued()).when(undo).thenRefused(license.ErrInvalidTransition)
	given(t).when(undo).thenRefused(license.ErrNotFound)
}

func TestAnExpiryThatHasPassedIsNotUndone(t *testing.T) {
	t.Parallel()
	s := given(t, issued(expires(inAMonth)), license.Expired{ExpiredAt: inAMonth}).at(inAMonth).
		when(license.UndoExpiry{Reason: "please", LedgerTime: inAMonth})
	s.thenRefused(license.ErrInvalidTransition)
	require.ErrorContains(t, s.err, "is past")
}

func TestALicenseThatTheLedgersTimeHasExpiredIsGivenItsTimeBackThoughNoEventSaysSo(t *testing.T) {
	t.Parallel()
	given(t, issued(expires(inAMonth))).when(license.UndoExpiry{Reason: "wrong clock", LedgerTime: inAMonth}).
		then(license.ExpiryUndone{Reason: "wrong clock", ExpiresAt: inAMonth, UndoneAt: noon})
}
