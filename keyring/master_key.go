package keyring

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

var (
	// ErrMasterKeyMalformed says that a master key is not 32 bytes in base 64.
	ErrMasterKeyMalformed = errors.New("the master key is not 32 bytes in base 64")
	// ErrMasterKeyExposed says that others than its owner may read the master key file.
	ErrMasterKeyExposed = errors.New("the master key file is open to others than its owner; make it mode 0600")
	// ErrMasterKeyMissing says that there is no master key file although the keys database holds keys. A new key could not
	// open them: bring the file back from its backup.
	ErrMasterKeyMissing = errors.New("the master key file is missing, but the keys database holds keys made with it")
)

// maxMasterKeyFile bounds what is read of a master key file, in bytes.
const maxMasterKeyFile = 1024

const redacted = "[master key]"

// MasterKey seals every other key. It never prints itself. The zero value is no key.
type MasterKey struct {
	// held is behind two pointers because package fmt follows one of an unexported field, where no method of ours is asked.
	held **secret
}

func newMasterKey(s *secret) MasterKey { return MasterKey{held: &s} }

// ParseMasterKey reads a master key from text: 32 bytes in standard base 64 (RFC 4648), as "openssl rand -base64 32" makes
// them. Blanks and line ends around it are ignored. The error never holds the text.
func ParseMasterKey(text string) (MasterKey, error) {
	if len(text) > maxMasterKeyFile {
		return MasterKey{}, ErrMasterKeyMalformed
	}
	key, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(text))
	if err != nil || len(key) != secretSize {
		return MasterKey{}, ErrMasterKeyMalformed
	}
	return newMasterKey((*secret)(key)), nil
}

// LoadOrCreateMasterKey reads the master key file at path. When there is none it makes one, mode 0600 and durable before it
// returns, unless the keys database db already holds keys: then it fails with ErrMasterKeyMissing. It fails with
// ErrMasterKeyExposed when group or others have any permission on the file.
//
// Processes that share a database need the same file. When two with files of their own start for the first time at once, the ring is
// made with the key of one, and [Open] refuses the other's with ErrWrongMasterKey.
func LoadOrCreateMasterKey(ctx context.Context, path string, db *Database) (MasterKey, error) {
	master, err := LoadMasterKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return master, err
	}
	used, err := holdsKeys(ctx, db)
	if err != nil {
		return MasterKey{}, err
	}
	if used {
		return MasterKey{}, fmt.Errorf("%s: %w", path, ErrMasterKeyMissing)
	}
	if err := createMasterKey(path); err != nil {
		return MasterKey{}, fmt.Errorf("make the master key: %w", err)
	}
	return LoadMasterKey(path)
}

// LoadMasterKey reads the master key file at path. It fails with [fs.ErrNotExist], ErrMasterKeyExposed or ErrMasterKeyMalformed.
func LoadMasterKey(path string) (MasterKey, error) {
	file, err := os.Open(filepath.Clean(path))
	if err != nil {
		return MasterKey{}, fmt.Errorf("read the master key: %w", err)
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return MasterKey{}, fmt.Errorf("read the master key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return MasterKey{}, fmt.Errorf("%s: %w", path, ErrMasterKeyExposed)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxMasterKeyFile))
	if err != nil {
		return MasterKey{}, fmt.Errorf("read the master key: %w", err)
	}
	master, err := ParseMasterKey(string(text))
	if err != nil {
		return MasterKey{}, fmt.Errorf("%s: %w", path, err)
	}
	return master, nil
}

// createMasterKey writes the whole file aside and then gives it its name, so that a crash leaves no part of a key under it.
// The name is given by a hard link, which never replaces a file: of two first starts racing, both use the first one's key.
func createMasterKey(path string) (err error) {
	key := make([]byte, secretSize)
	if _, err := rand.Read(key); err != nil {
		return fmt.Errorf("read randomness: %w", err)
	}
	dir := filepath.Dir(path)
	aside, err := os.CreateTemp(dir, ".master-key-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		_ = aside.Close()
		if removed := os.Remove(aside.Name()); err == nil {
			err = removed
		}
	}()
	if _, err := aside.WriteString(base64.StdEncoding.EncodeToString(key) + "\n"); err != nil {
		return err
	}
	if err := aside.Sync(); err != nil {
		return err
	}
	if err := os.Link(aside.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) (err error) {
	d, err := os.Open(filepath.Clean(dir))
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}

// Format implements [fmt.Formatter] for every verb.
func (MasterKey) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

// String returns a placeholder.
func (MasterKey) String() string { return redacted }

// GoString returns a placeholder.
func (MasterKey) GoString() string { return redacted }

// MarshalText returns a placeholder; JSON uses it too.
func (MasterKey) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns a placeholder.
func (MasterKey) LogValue() slog.Value { return slog.StringValue(redacted) }
