package main

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

const (
	adminKeyFile      = "admin.key"
	minAdminKeyLength = 20
)

// adminKey returns the admin API key: the configured one, else the one kept in the data directory, else a new one that is
// kept there from now on.
func (c config) adminKey() (key string, made bool, err error) {
	if c.AdminKey != "" {
		return c.AdminKey, false, nil
	}
	path := c.in(adminKeyFile)
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the data directory
	if err == nil {
		key = strings.TrimSpace(string(text))
		if len(key) < minAdminKeyLength {
			return "", false, &advice{fmt.Errorf("the admin key in %s is shorter than %d characters", path, minAdminKeyLength), "remove the file to have a new key made"}
		}
		return key, false, private(path)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", false, fmt.Errorf("read the admin key: %w", err)
	}
	secret := make([]byte, 30)
	if _, err := rand.Read(secret); err != nil {
		return "", false, fmt.Errorf("make an admin key: %w", err)
	}
	key = "ll_admin_" + strings.ToLower(base32.StdEncoding.EncodeToString(secret))
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the operator names the data directory
	if err != nil {
		return "", false, fmt.Errorf("keep the admin key: %w", err)
	}
	_, err = file.WriteString(key + "\n")
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return "", false, errors.Join(fmt.Errorf("keep the admin key: %w", err), os.Remove(path))
	}
	return key, true, nil
}

// private refuses a secret that others may read.
func private(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return &advice{fmt.Errorf("%s may be read by others (mode %o)", path, info.Mode().Perm()), "chmod 600 " + path}
	}
	return nil
}
