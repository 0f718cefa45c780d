package backends

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/gofrs/flock"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
)

// ErrInUse says that another process uses the data directory.
var ErrInUse = errors.New("the data directory is in use by another licenseledger process")

// lock locks the data directory until Close.
func (b *Backends) lock(dataDir string) error {
	unlock, err := LockFolder(dataDir)
	if err != nil {
		return err
	}
	b.closers = append(b.closers, unlock)
	return nil
}

// LockFolder locks a data directory. The operating system releases the lock when the process ends, however it ends.
func LockFolder(dir string) (unlock func() error, err error) {
	lock := flock.New(filepath.Join(dir, LockFile), flock.SetPermissions(0o600))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if !locked {
		return nil, hint.New(fmt.Errorf("%w: %s", ErrInUse, engine.Absolute(dir)), "stop that process, or choose another --data-dir")
	}
	return lock.Unlock, nil
}

func dirOf(at engine.Endpoint, dataDir string) string { return filepath.Dir(at.File(dataDir)) }
