package keyring

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/maypok86/otter/v2"
)

var (
	// ErrKeyGone says that the subject was erased: what was sealed for it can never be read again. Readers show that as a
	// fact, not as a failure.
	ErrKeyGone = errors.New("the subject's key is gone")
	// ErrUnknownSubject says that this ring never made the subject.
	ErrUnknownSubject = errors.New("unknown subject")
	// ErrTooLarge says that more than MaxPersonalData bytes were to be sealed.
	ErrTooLarge = errors.New("personal data is too large")
)

// MaxPersonalData bounds what one call of [Keyring.Seal] takes, in bytes.
const MaxPersonalData = 64 << 10

// Seal encrypts personal data with the subject's key (AES-256-GCM with a random nonce, bound to the subject). It fails with
// ErrKeyGone, ErrUnknownSubject or ErrTooLarge.
func (k *Keyring) Seal(ctx context.Context, subject uuid.UUID, plaintext []byte) ([]byte, error) {
	if len(plaintext) > MaxPersonalData {
		return nil, ErrTooLarge
	}
	key, err := k.subjectKey(ctx, subject)
	if err != nil {
		return nil, fmt.Errorf("seal personal data: %w", err)
	}
	aead, err := key.aead()
	if err != nil {
		return nil, fmt.Errorf("seal personal data: %w", err)
	}
	sealed, err := seal(aead, k.random, plaintext, personalDataName(subject))
	if err != nil {
		return nil, fmt.Errorf("seal personal data: %w", err)
	}
	return sealed, nil
}

// Unseal decrypts what [Keyring.Seal] made for the same subject. It fails with ErrKeyGone when the subject was erased, and
// with ErrTampered when the bytes are not what was sealed for this subject.
func (k *Keyring) Unseal(ctx context.Context, subject uuid.UUID, sealed []byte) ([]byte, error) {
	if len(sealed) > MaxPersonalData+overhead {
		return nil, ErrTampered
	}
	key, err := k.subjectKey(ctx, subject)
	if err != nil {
		return nil, fmt.Errorf("unseal personal data: %w", err)
	}
	aead, err := key.aead()
	if err != nil {
		return nil, fmt.Errorf("unseal personal data: %w", err)
	}
	plaintext, err := open(aead, sealed, personalDataName(subject))
	if err != nil {
		return nil, fmt.Errorf("unseal personal data: %w", err)
	}
	return plaintext, nil
}

// EraseSubject destroys a subject's key and the way to find the subject by identity. What was sealed for the subject is unreadable
// from then on. Erasing again does no harm, and finishes an erasure that failed. It fails with ErrUnknownSubject for a subject that
// never was.
//
// On SQLite the key is gone from the database file, its log and memory when EraseSubject returns. On PostgreSQL it is gone for every
// client of the database, and this process no longer uses it; other processes may, for up to [ErasureDelay]. The server's files
// hold the old row longer: the table until autovacuum has been there (a minute or so) and the space is used again or the
// table rewritten (VACUUM FULL subjects), the write-ahead log until its segments are recycled. Standbys, log archives and backups
// hold it until they are done with. All these copies are sealed with the master key.
func (k *Keyring) EraseSubject(ctx context.Context, subject uuid.UUID) error {
	err := k.withWriteLock(ctx, func() error {
		if err := k.transact(ctx, func(tx *sql.Tx) error { return k.forgetKey(ctx, tx, subject) }, func() {}); err != nil {
			return err
		}
		// The cache also drops a load that an invalidation overtakes.
		k.subjectKeys.Invalidate(subject)
		return k.db.engine.afterErasing(ctx, k.db.DB)
	})
	if err != nil {
		return fmt.Errorf("erase subject: %w", err)
	}
	return nil
}

func (k *Keyring) forgetKey(ctx context.Context, tx *sql.Tx, subject uuid.UUID) error {
	result, err := tx.ExecContext(ctx, `UPDATE subjects SET sealed = NULL, lookup = NULL, erased_at = coalesce(erased_at, $1) WHERE id = $2`,
		k.now().UnixMicro(), subject)
	if err != nil {
		return unavailable("forget a subject's key", err)
	}
	changed, err := result.RowsAffected()
	if err != nil {
		return err
	}
	if changed == 0 {
		return ErrUnknownSubject
	}
	return nil
}

// ErasureDelay is how long a process may go on using the key of a subject that another process erased.
const ErasureDelay = 5 * time.Second

// subjectKey is a subject's key in the cache.
type subjectKey struct {
	key *secret
	// since is when the database was known to hold the key, before it was asked.
	since time.Time
}

// subjectKey returns a subject's key, from the cache or the database.
func (k *Keyring) subjectKey(ctx context.Context, subject uuid.UUID) (*secret, error) {
	if k.db.engine.shared() {
		if cached, found := k.subjectKeys.GetIfPresent(subject); found && k.isStale(cached) {
			// Of those who find it stale only the first removes it, so that a newer one stays.
			k.subjectKeys.ComputeIfPresent(subject, func(present *subjectKey) (*subjectKey, otter.ComputeOp) {
				if present == cached {
					return nil, otter.InvalidateOp
				}
				return present, otter.CancelOp
			})
		}
	}
	cached, err := k.subjectKeys.Get(ctx, subject, otter.LoaderFunc[uuid.UUID, *subjectKey](k.loadSubjectKey))
	if err != nil {
		return nil, err
	}
	return cached.key, nil
}

// isStale also holds for a key from the future: a clock that was set back must not keep erased keys alive.
func (k *Keyring) isStale(cached *subjectKey) bool {
	age := k.now().Sub(cached.since)
	return age < 0 || age >= ErasureDelay
}

func (k *Keyring) loadSubjectKey(ctx context.Context, subject uuid.UUID) (*subjectKey, error) {
	since := k.now()
	var tenant string
	var lookup, sealed []byte
	ctx, cancel := k.db.bounded(ctx)
	defer cancel()
	err := k.db.QueryRowContext(ctx, `SELECT tenant, lookup, sealed FROM subjects WHERE id = $1`, subject).Scan(&tenant, &lookup, &sealed)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, ErrUnknownSubject
	case err != nil:
		return nil, unavailable("read subject", err)
	case sealed == nil:
		return nil, ErrKeyGone
	}
	key, err := openSecret(k.subjectSealer, sealed, subjectName(subject, tenant, lookup))
	if err != nil {
		return nil, fmt.Errorf("open the subject's key: %w", err)
	}
	return &subjectKey{key: key, since: since}, nil
}

func personalDataName(subject uuid.UUID) []byte {
	return lengthPrefixed("personal data", subject.String())
}
