package installation_test

import (
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/sqlite"
	"github.com/licenseledger/licenseledger/installation"
	"github.com/licenseledger/licenseledger/keyring"
)

func now() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC) }

func newLedger(t *testing.T) *sqlite.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

func newKeys(t *testing.T) *keyring.Database {
	t.Helper()
	db, err := keyring.OpenSQLite(t.Context(), filepath.Join(t.TempDir(), "keys.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

// sell registers so many products, each with a signing key that keys hold if there are any.
func sell(t *testing.T, ledger eventstore.Store, keys *keyring.Database, products int) {
	t.Helper()
	for n := range products {
		id := uuid.New()
		payload := catalog.ProductRegistered{ProductID: id, Code: "product-" + strconv.Itoa(n),
			SigningKey: catalog.SigningKey{ID: "key of " + id.String()}}
		if keys != nil {
			_, err := keys.ExecContext(t.Context(),
				`INSERT INTO signing_keys (key_id, tenant, product_id, algorithm, sealed, created_at) VALUES ($1, '', $2, '', x'00', 0)`,
				payload.SigningKey.ID, id.String())
			require.NoError(t, err)
		}
		data, err := event.Encode(payload)
		require.NoError(t, err)
		_, err = ledger.Append(t.Context(), "product-"+id.String(), 0,
			[]event.Pending{{ID: uuid.New(), Type: payload.EventType(), RecordedAt: now(), Data: data}})
		require.NoError(t, err)
	}
}

// begin starts an installation as a server does.
func begin(t *testing.T, ledger eventstore.Store, keys *keyring.Database) eventstore.Epoch {
	t.Helper()
	epoch, err := installation.Establish(t.Context(), ledger, keys, domain.Events(), now, uuid.New)
	require.NoError(t, err)
	require.NoError(t, installation.Bind(t.Context(), ledger, keys, epoch))
	return epoch
}

func TestANewInstallationGetsAnIDThatLedgerAndKeysKeep(t *testing.T) {
	t.Parallel()
	ledger, keys := newLedger(t), newKeys(t)
	epoch := begin(t, ledger, keys)
	require.Equal(t, eventstore.EpochCreated, epoch.Reason)
	sell(t, ledger, keys, 3)
	require.NoError(t, installation.Advance(t.Context(), ledger, keys, epoch))
	again := begin(t, ledger, keys)
	require.Equal(t, epoch, again)
	seen, err := keys.Witness(t.Context())
	require.NoError(t, err)
	require.Equal(t, epoch.Installation, seen.Installation)
	require.EqualValues(t, 3, seen.Position)
}

func TestALedgerOfAnOlderVersionIsAdoptedWithItsKeys(t *testing.T) {
	t.Parallel()
	ledger, keys := newLedger(t), newKeys(t)
	sell(t, ledger, keys, 2)
	epoch := begin(t, ledger, keys)
	require.Equal(t, eventstore.EpochAdopted, epoch.Reason)
	require.EqualValues(t, 2, epoch.After)
}

func TestPartsThatDoNotBelongTogetherAreRefusedAndNothingIsChanged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		parts func(t *testing.T) (*sqlite.Store, *keyring.Database)
		err   error
	}{
		"events without keys": {err: installation.ErrKeysMissing, parts: func(t *testing.T) (*sqlite.Store, *keyring.Database) {
			ledger := newLedger(t)
			begin(t, ledger, newKeys(t))
			sell(t, ledger, nil, 1)
			return ledger, newKeys(t)
		}},
		"events of an older version without keys": {err: installation.ErrKeysMissing,
			parts: func(t *testing.T) (*sqlite.Store, *keyring.Database) {
				ledger := newLedger(t)
				sell(t, ledger, nil, 1)
				return ledger, newKeys(t)
			}},
		"keys of an older version, of another ledger": {err: installation.ErrOtherInstallation,
			parts: func(t *testing.T) (*sqlite.Store, *keyring.Database) {
				ledger, keys := newLedger(t), newKeys(t)
				sell(t, ledger, newKeys(t), 1)
				sell(t, newLedger(t), keys, 1)
				return ledger, keys
			}},
		"keys of an older version, of a ledger that is gone": {err: installation.ErrLedgerMissing,
			parts: func(t *testing.T) (*sqlite.Store, *keyring.Database) {
				keys := newKeys(t)
				sell(t, newLedger(t), keys, 1)
				return newLedger(t), keys
			}},
		"a new ledger beside keys of another one that is empty too": {err: installation.ErrLedgerMissing,
			parts: func(t *testing.T) (*sqlite.Store, *keyring.Database) {
				keys := newKeys(t)
				begin(t, newLedger(t), keys)
				return newLedger(t), keys
			}},
		"two installations": {err: installation.ErrOtherInstallation, parts: func(t *testing.T) (*sqlite.Store, *keyring.Database) {
			ledger, keys, otherKeys := newLedger(t), newKeys(t), newKeys(t)
			begin(t, newLedger(t), keys)
			begin(t, ledger, otherKeys)
			sell(t, ledger, otherKeys, 1)
			sell(t, newLedger(t), keys, 1)
			return ledger, keys
		}},
		"a ledger that lacks what was seen": {err: installation.ErrEarlierLedger, parts: func(t *testing.T) (*sqlite.Store, *keyring.Database) {
			ledger, keys := newLedger(t), newKeys(t)
			epoch := begin(t, ledger, keys)
			sell(t, ledger, keys, 1)
			require.NoError(t, keys.SetWitness(t.Context(), keyring.Witness{Installation: epoch.Installation, Epoch: epoch.ID, Position: 2}))
			return ledger, keys
		}},
		"a ledger with other events": {err: installation.ErrEarlierLedger, parts: func(t *testing.T) (*sqlite.Store, *keyring.Database) {
			ledger, keys := newLedger(t), newKeys(t)
			epoch := begin(t, ledger, keys)
			sell(t, ledger, keys, 2)
			require.NoError(t, keys.SetWitness(t.Context(),
				keyring.Witness{Installation: epoch.Installation, Epoch: epoch.ID, Position: 2, Hash: event.Hash{1}}))
			return ledger, keys
		}},
		"a ledger from before an epoch that the keys know": {err: installation.ErrEarlierLedger,
			parts: func(t *testing.T) (*sqlite.Store, *keyring.Database) {
				ledger, keys := newLedger(t), newKeys(t)
				epoch := begin(t, ledger, keys)
				sell(t, ledger, keys, 2)
				require.NoError(t, keys.SetWitness(t.Context(), keyring.Witness{Installation: epoch.Installation, Epoch: uuid.New(), Position: 1}))
				return ledger, keys
			}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ledger, keys := c.parts(t)
			epochs, err := ledger.Epochs(t.Context())
			require.NoError(t, err)
			seen, err := keys.Witness(t.Context())
			require.NoError(t, err)
			_, err = installation.Establish(t.Context(), ledger, keys, domain.Events(), now, uuid.New)
			require.ErrorIs(t, err, c.err)
			after, err := ledger.Epochs(t.Context())
			require.NoError(t, err)
			require.Equal(t, epochs, after)
			still, err := keys.Witness(t.Context())
			require.NoError(t, err)
			require.Equal(t, seen, still)
		})
	}
}

func TestALaterEpochThatBeganOnPurposeIsTakenUp(t *testing.T) {
	t.Parallel()
	ledger, keys := newLedger(t), newKeys(t)
	first := begin(t, ledger, keys)
	sell(t, ledger, keys, 2)
	require.NoError(t, keys.SetWitness(t.Context(), keyring.Witness{Installation: first.Installation, Epoch: first.ID, Position: 9}))
	restored := eventstore.Epoch{Installation: first.Installation, ID: uuid.New(), After: 2, BeganAt: now(), Reason: eventstore.EpochRestored}
	require.NoError(t, ledger.BeginEpoch(t.Context(), first.ID, restored))
	require.Equal(t, restored, begin(t, ledger, keys))
	seen, err := keys.Witness(t.Context())
	require.NoError(t, err)
	require.Equal(t, restored.ID, seen.Epoch)
	require.EqualValues(t, 2, seen.Position)
}

func TestAnEarlierLedgerIsAcceptedOnPurpose(t *testing.T) {
	t.Parallel()
	ledger, keys := newLedger(t), newKeys(t)
	first := begin(t, ledger, keys)
	sell(t, ledger, keys, 2)
	require.NoError(t, keys.SetWitness(t.Context(), keyring.Witness{Installation: first.Installation, Epoch: first.ID, Position: 9}))
	accepted, err := installation.Accept(t.Context(), ledger, keys, domain.Events(), now, uuid.New)
	require.NoError(t, err)
	require.Equal(t, first.Installation, accepted.Installation)
	require.NotEqual(t, first.ID, accepted.ID)
	require.Equal(t, accepted, begin(t, ledger, keys))

	_, err = installation.Accept(t.Context(), ledger, newKeys(t), domain.Events(), now, uuid.New)
	require.ErrorIs(t, err, installation.ErrKeysMissing, "nobody can accept that")
}

func TestALedgerThatChangesUnderAProcessIsNoticed(t *testing.T) {
	t.Parallel()
	ledger, keys := newLedger(t), newKeys(t)
	epoch := begin(t, ledger, keys)
	sell(t, ledger, keys, 1)
	require.NoError(t, installation.Advance(t.Context(), ledger, keys, epoch))
	lost := keyring.Witness{Installation: epoch.Installation, Epoch: epoch.ID, Position: 7, Hash: event.Hash{7}}
	require.NoError(t, keys.SetWitness(t.Context(), lost))
	require.ErrorIs(t, installation.Advance(t.Context(), ledger, keys, epoch), installation.ErrEarlierLedger)
	next := eventstore.Epoch{Installation: epoch.Installation, ID: uuid.New(), After: 1, BeganAt: now(), Reason: eventstore.EpochAccepted}
	require.NoError(t, ledger.BeginEpoch(t.Context(), epoch.ID, next))
	require.ErrorIs(t, installation.Advance(t.Context(), ledger, keys, epoch), installation.ErrNewEpoch)
}
