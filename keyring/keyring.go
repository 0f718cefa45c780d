// Package keyring keeps every secret of the program: the keys that sign certificates, the keys that seal personal data,
// and the ring's own secrets behind licence keys and keyed hashes.
//
// All of them lie in the keys database sealed with AES-256-GCM under one master key, each bound to the name of its row.
// A secret that was used is durable before the call that made it returns, so nothing in the ledger ever refers to a key
// that a crash took away.
package keyring

import (
	"context"
	"crypto/cipher"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"
)

var (
	// ErrWrongMasterKey says that the keys database was made under another master key.
	ErrWrongMasterKey = errors.New("the master key is not the one that this keys database was made with")
	// ErrDamaged says that the keys database lacks rows it must have.
	ErrDamaged = errors.New("the keys database is damaged")
	// ErrTampered says that sealed bytes are not what was sealed, or were sealed for something else.
	ErrTampered = errors.New("sealed bytes are not authentic")
	// ErrBusy says that too many callers wait for a new subject. Nothing was stored: try again later.
	ErrBusy = errors.New("the key ring is busy")
	// ErrUnavailable says that the keys database cannot be reached, or cannot store anything, right now.
	ErrUnavailable = errors.New("the keys database is unavailable")
)

// The bounds of the caches, in entries.
const (
	cachedSubjectKeys = 100_000
	cachedSigningKeys = 1_024
)

// Config is what a key ring is made of. All fields are required.
type Config struct {
	DB     *Database        // the keys database, see [OpenSQLite] and [OpenPostgres]
	Master MasterKey        // seals everything in DB
	Random io.Reader        // source of keys, nonces, serials; safe for concurrent use
	Now    func() time.Time // for records of when a key was made or erased, and the age of what is cached
}

// Keyring holds the keys. All methods are safe for concurrent use. It starts no goroutines; closing the database ends it.
type Keyring struct {
	db     *Database
	random io.Reader
	now    func() time.Time

	ringSealer    cipher.AEAD // of ring_secrets
	signingSealer cipher.AEAD // of signing_keys
	subjectSealer cipher.AEAD // of subjects

	licenseKeyMACs  licenseKeySecrets
	serials         *secret
	components      *secret
	requests        *secret
	subjectIdentity *secret

	signers     *otter.Cache[string, *signer]
	subjectKeys *otter.Cache[uuid.UUID, *subjectKey]

	writing    chan struct{} // holds a token while someone writes to the database
	waiting    subjectQueue
	unwritable atomic.Bool // the latest attempt to store something failed
}

// Open returns the key ring in a keys database, making its secrets when the database is new. It fails with
// ErrWrongMasterKey when the database was made under another master key, and with ErrDamaged or ErrTampered when its rows
// are not as they were written.
func Open(ctx context.Context, c Config) (*Keyring, error) {
	if c.DB == nil || c.Random == nil || c.Now == nil || c.Master.held == nil {
		return nil, errors.New("open key ring: database, master key, randomness and clock are required")
	}
	k := &Keyring{db: c.DB, random: c.Random, now: c.Now, writing: make(chan struct{}, 1)}
	if err := k.deriveSealers(*c.Master.held); err != nil {
		return nil, fmt.Errorf("open key ring: %w", err)
	}
	if err := k.loadOrMakeRing(ctx, *c.Master.held); err != nil {
		return nil, fmt.Errorf("open key ring: %w", err)
	}
	var err error
	if k.signers, err = otter.New(&otter.Options[string, *signer]{MaximumSize: cachedSigningKeys}); err != nil {
		return nil, fmt.Errorf("open key ring: %w", err)
	}
	if k.subjectKeys, err = otter.New(&otter.Options[uuid.UUID, *subjectKey]{MaximumSize: cachedSubjectKeys}); err != nil {
		return nil, fmt.Errorf("open key ring: %w", err)
	}
	return k, nil
}

// Format implements [fmt.Formatter] for every verb: a ring never prints what it holds.
func (k *Keyring) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, "[key ring]") }

func (k *Keyring) deriveSealers(master *secret) error {
	for use, sealer := range map[string]*cipher.AEAD{
		"ring secrets": &k.ringSealer,
		"signing keys": &k.signingSealer,
		"subjects":     &k.subjectSealer,
	} {
		key, err := master.derive(use)
		if err != nil {
			return err
		}
		if *sealer, err = key.aead(); err != nil {
			return err
		}
	}
	return nil
}

func (k *Keyring) loadOrMakeRing(ctx context.Context, master *secret) error {
	check, err := master.derive("master check")
	if err != nil {
		return err
	}
	return k.write(ctx, func(tx *sql.Tx) error {
		if err := k.db.engine.lockRing(ctx, tx); err != nil {
			return err
		}
		var recorded []byte
		err := tx.QueryRowContext(ctx, `SELECT master_check FROM ring`).Scan(&recorded)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return k.makeRing(ctx, tx, check)
		case err != nil:
			return fmt.Errorf("read ring: %w", err)
		case subtle.ConstantTimeCompare(recorded, check[:]) != 1:
			return ErrWrongMasterKey
		}
		return k.loadSecrets(ctx, tx)
	}, func() {})
}

func (k *Keyring) makeRing(ctx context.Context, tx *sql.Tx, check *secret) error {
	used, err := holdsKeys(ctx, tx)
	if err != nil {
		return err
	}
	if used {
		return fmt.Errorf("%w: it holds keys but no ring", ErrDamaged)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO ring (id, master_check, created_at) VALUES (1, $1, $2)`,
		check[:], k.now().UnixMicro()); err != nil {
		return fmt.Errorf("make ring: %w", err)
	}
	for _, p := range purposes() {
		if err := k.makeSecret(ctx, tx, p, 1); err != nil {
			return err
		}
	}
	return k.loadSecrets(ctx, tx)
}

// write runs one durable transaction and then, before any other writes, calls committed.
func (k *Keyring) write(ctx context.Context, do func(*sql.Tx) error, committed func()) error {
	return k.withWriteLock(ctx, func() error { return k.transact(ctx, do, committed) })
}

// withWriteLock runs do while nobody else in this process writes: SQLite has one writer, and waiting here is fairer than in its busy loop.
func (k *Keyring) withWriteLock(ctx context.Context, do func() error) error {
	select {
	case k.writing <- struct{}{}:
		defer func() { <-k.writing }()
		return do()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// unavailable marks an error of the database as ErrUnavailable, an ended deadline included: callers share queries, so the deadline may be
// another caller's.
func unavailable(doing string, err error) error {
	return fmt.Errorf("%s: %w: %w", doing, ErrUnavailable, err)
}

// transact is write for a caller who holds the writing token.
func (k *Keyring) transact(ctx context.Context, do func(*sql.Tx) error, committed func()) (err error) {
	defer func() { k.note(err) }()
	ctx, cancel := k.db.bounded(ctx)
	defer cancel()
	tx, err := k.db.BeginTx(ctx, nil)
	if err != nil {
		return unavailable("begin", err)
	}
	defer func() { _ = tx.Rollback() }() // after a commit it does nothing
	if err := do(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return unavailable("commit", err)
	}
	committed()
	return nil
}
