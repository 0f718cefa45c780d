package keyring

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

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

// EraseSubject destroys a subject's key and the way to find the subject by identity, in the database, its log and memory.
// What was sealed for the subject is unreadable from then on. Erasing again does no harm, and finishes an erasure that
// failed. It fails with ErrUnknownSubject for a subject that never was.
func (k *Keyring) EraseSubject(ctx context.Context, subject uuid.UUID) error {
	err := k.alone(ctx, func() error {
		if err := k.transact(ctx, func(tx *sql.Tx) error { return k.forgetKey(ctx, tx, subject) }, func() {}); err != nil {
			return err
		}
		// The cache also drops a load that an invalidation overtakes.
		k.subjectKeys.Invalidate(subject)
		return k.cutLog(ctx)
	})
	if err != nil {
		return fmt.Errorf("erase subject: %w", err)
	}
	return nil
}

// cutLog writes the write-ahead log back and empties it: until then it holds pages as they were before an erasure.
func (k *Keyring) cutLog(ctx context.Context) error {
	var busy, logged, written int
	if err := k.db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &logged, &written); err != nil {
		return fmt.Errorf("cut the log: %w", err)
	}
	if busy != 0 {
		return errors.New("the key is gone, but a reader keeps its log from being cut; erase again")
	}
	return nil
}

func (k *Keyring) forgetKey(ctx context.Context, tx *sql.Tx, subject uuid.UUID) error {
	result, err := tx.ExecContext(ctx, `UPDATE subjects SET sealed = NULL, lookup = NULL, erased_at = coalesce(erased_at, $1) WHERE id = $2`,
		k.now().UnixMicro(), subject)
	if err != nil {
		return err
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

func (k *Keyring) subjectKey(ctx context.Context, subject uuid.UUID) (*secret, error) {
	return k.subjectKeys.Get(ctx, subject, otter.LoaderFunc[uuid.UUID, *secret](k.loadSubjectKey))
}

func (k *Keyring) loadSubjectKey(ctx context.Context, subject uuid.UUID) (*secret, error) {
	var tenant string
	var lookup, sealed []byte
	err := k.db.QueryRowContext(ctx, `SELECT tenant, lookup, sealed FROM subjects WHERE id = $1`, subject).Scan(&tenant, &lookup, &sealed)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, ErrUnknownSubject
	case err != nil:
		return nil, fmt.Errorf("read subject: %w", err)
	case sealed == nil:
		return nil, ErrKeyGone
	}
	key, err := openSecret(k.subjectSealer, sealed, subjectName(subject, tenant, lookup))
	if err != nil {
		return nil, fmt.Errorf("open the subject's key: %w", err)
	}
	return key, nil
}

func personalDataName(subject uuid.UUID) []byte { return framed("personal data", subject.String()) }
