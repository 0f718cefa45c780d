// Package adminkey reads and creates the admin API key of a data directory.
package adminkey

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/permissions"
)

const (
	// File is the name of the file in the data directory.
	File = "admin.key"
	// MinLength is the least length of a key.
	MinLength = 20
	// Hint says how to get a good key.
	Hint = "create one with: openssl rand -base64 32"
)

// Check returns an error if a key, without blanks around it, can be guessed or cannot be sent in a header (RFC 6750, section 2.1).
func Check(key string) error {
	if len(key) < MinLength {
		return fmt.Errorf("must have at least %d characters, and it has %d", MinLength, len(key))
	}
	if strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("must be printable ASCII without blanks")
	}
	return nil
}

// LoadOrCreate returns the configured key if there is one, else the one in the file. If there is no file, it creates one with a new key.
func LoadOrCreate(configured, path string) (key string, created bool, err error) {
	if configured != "" {
		return configured, false, nil
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the data directory
	if err == nil {
		key = strings.TrimSpace(string(text))
		if err := Check(key); err != nil {
			return "", false, hint.New(fmt.Errorf("the admin key in %s %w", path, err), "remove the file to have a new key created")
		}
		return key, false, permissions.RequirePrivate(path)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", false, fmt.Errorf("read the admin key: %w", err)
	}
	secret := make([]byte, 30)
	if _, err := rand.Read(secret); err != nil {
		return "", false, fmt.Errorf("create an admin key: %w", err)
	}
	key = "ll_admin_" + strings.ToLower(base32.StdEncoding.EncodeToString(secret))
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the operator names the data directory
	if err != nil {
		return "", false, fmt.Errorf("store the admin key: %w", err)
	}
	_, err = file.WriteString(key + "\n")
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return "", false, errors.Join(fmt.Errorf("store the admin key: %w", err), os.Remove(path))
	}
	return key, true, nil
}

// Load returns the configured key if there is one, else the one in the file, to use against a running server.
func Load(configured, path string) (string, error) {
	if configured != "" {
		return configured, nil
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the data directory
	if err != nil {
		return "", hint.New(fmt.Errorf("find the admin key: %w", err), "set LICENSELEDGER_ADMIN_KEY, or give the server's --data-dir")
	}
	key := strings.TrimSpace(string(text))
	if err := Check(key); err != nil {
		return "", hint.New(fmt.Errorf("the admin key in %s %w", path, err), "set LICENSELEDGER_ADMIN_KEY to the server's key")
	}
	return key, nil
}
