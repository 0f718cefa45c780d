package keyring

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
)

// purpose says what a secret of the ring is for. The names are stored and sealed with the secrets: they are permanent.
type purpose string

const (
	forLicenseKeys   purpose = "license-key-mac"
	forSerials       purpose = "serial-derivation"
	forComponents    purpose = "component-hash"
	forRequests      purpose = "request-hash"
	forSubjectLookup purpose = "subject-lookup"
)

// purposes lists what a ring has secrets for, in the order in which a new ring draws them.
func purposes() []purpose {
	return []purpose{forLicenseKeys, forSerials, forComponents, forRequests, forSubjectLookup}
}

// RotateLicenseKeySecret makes the secret under which licence keys are formatted from then on. Keys handed out before stay
// valid. Other processes that share the ring go on using the secret before, until they meet a licence key of the new one.
func (k *Keyring) RotateLicenseKeySecret(ctx context.Context) error {
	var secrets map[purpose][]*secret
	err := k.write(ctx, func(tx *sql.Tx) error {
		if err := k.db.engine.lockRing(ctx, tx); err != nil {
			return err
		}
		var newest int
		if err := tx.QueryRowContext(ctx, `SELECT max(version) FROM ring_secrets WHERE purpose = $1`,
			string(forLicenseKeys)).Scan(&newest); err != nil {
			return unavailable("read secrets", err)
		}
		if err := k.makeSecret(ctx, tx, forLicenseKeys, newest+1); err != nil {
			return err
		}
		var err error
		secrets, err = k.readSecrets(ctx, tx)
		return err
	}, func() { k.licenseKeyMACs.update(secrets[forLicenseKeys]) })
	if err != nil {
		return fmt.Errorf("rotate license key secret: %w", err)
	}
	return nil
}

func (k *Keyring) makeSecret(ctx context.Context, tx *sql.Tx, p purpose, version int) error {
	s, err := newSecret(k.random)
	if err != nil {
		return fmt.Errorf("make %s secret: %w", p, err)
	}
	sealed, err := seal(k.ringSealer, k.random, s[:], secretName(p, version))
	if err != nil {
		return fmt.Errorf("seal %s secret: %w", p, err)
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO ring_secrets (purpose, version, sealed, created_at) VALUES ($1, $2, $3, $4)`,
		string(p), version, sealed, k.now().UnixMicro()); err != nil {
		return unavailable("store "+string(p)+" secret", err)
	}
	return nil
}

func (k *Keyring) loadSecrets(ctx context.Context, tx *sql.Tx) error {
	secrets, err := k.readSecrets(ctx, tx)
	if err != nil {
		return err
	}
	for _, p := range purposes() {
		if len(secrets[p]) == 0 {
			return fmt.Errorf("%w: it holds no %s secret", ErrDamaged, p)
		}
	}
	k.licenseKeyMACs.update(secrets[forLicenseKeys])
	k.serials = secrets[forSerials][0]
	k.components = secrets[forComponents][0]
	k.requests = secrets[forRequests][0]
	k.subjectIdentity = secrets[forSubjectLookup][0]
	return nil
}

// readSecrets returns the secrets of each purpose, newest first.
func (k *Keyring) readSecrets(ctx context.Context, from querier) (map[purpose][]*secret, error) {
	rows, err := from.QueryContext(ctx, `SELECT purpose, version, sealed FROM ring_secrets ORDER BY purpose, version DESC`)
	if err != nil {
		return nil, unavailable("read secrets", err)
	}
	defer func() { _ = rows.Close() }()
	secrets := map[purpose][]*secret{}
	for rows.Next() {
		var p purpose
		var version int
		var sealed []byte
		if err := rows.Scan(&p, &version, &sealed); err != nil {
			return nil, fmt.Errorf("read secrets: %w", err)
		}
		s, err := openSecret(k.ringSealer, sealed, secretName(p, version))
		if err != nil {
			return nil, fmt.Errorf("open %s secret, version %d: %w", p, version, err)
		}
		secrets[p] = append(secrets[p], s)
	}
	if err := rows.Err(); err != nil {
		return nil, unavailable("read secrets", err)
	}
	return secrets, nil
}

func secretName(p purpose, version int) []byte {
	return lengthPrefixed("ring_secrets", string(p), strconv.Itoa(version))
}

// holdsKeys reports whether the database holds anything that a master key sealed.
func holdsKeys(ctx context.Context, from querier) (bool, error) {
	var used bool
	if err := from.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM ring) OR EXISTS (SELECT 1 FROM ring_secrets)
		OR EXISTS (SELECT 1 FROM signing_keys) OR EXISTS (SELECT 1 FROM subjects)`).Scan(&used); err != nil {
		return false, fmt.Errorf("look for keys: %w", err)
	}
	return used, nil
}

// querier is what reading needs of a database or a transaction.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}
