package keyring

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// secretsReadEvery is how often licence keys that no known secret made may cause a look into the database.
	secretsReadEvery = time.Second
	// secretsReadTimeout bounds one look.
	secretsReadTimeout = 5 * time.Second
)

// licenseKeySecrets are the secrets behind licence keys that this process knows of. They are never removed, so more are newer.
type licenseKeySecrets struct {
	known atomic.Pointer[[]*secret] // newest first

	mu     sync.Mutex
	readAt time.Time // when another process's secrets were last looked for
	err    error     // what came of it
}

// update takes up the secrets that the database was found to hold, newest first.
func (l *licenseKeySecrets) update(held []*secret) {
	for {
		known := l.known.Load()
		if known != nil && len(*known) >= len(held) || l.known.CompareAndSwap(known, &held) {
			return
		}
	}
}

// newerSecrets returns the secrets behind licence keys when there are others than those known: another process that shares the
// database may have made them. However many wrong licence keys arrive, it asks the database once per secretsReadEvery; in
// between it answers what it found.
func (k *Keyring) newerSecrets(ctx context.Context, known *[]*secret) ([]*secret, error) {
	l := &k.licenseKeyMACs
	if !k.db.engine.shared() {
		return nil, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if newer := l.known.Load(); newer != known {
		return *newer, nil
	}
	now := k.now()
	if age := now.Sub(l.readAt); age >= 0 && age < secretsReadEvery {
		return nil, l.err
	}
	l.readAt = now
	l.err = k.readNewerSecrets(context.WithoutCancel(ctx)) // others' answers depend on it too
	if newer := l.known.Load(); newer != known {
		return *newer, l.err
	}
	return nil, l.err
}

func (k *Keyring) readNewerSecrets(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, secretsReadTimeout)
	defer cancel()
	secrets, err := k.readSecrets(ctx, k.db)
	if err != nil {
		return fmt.Errorf("look for newer license key secrets: %w", err)
	}
	k.licenseKeyMACs.update(secrets[forLicenseKeys])
	return nil
}
