package backup

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
)

// syncPath flushes a file or the entries of a folder to disk.
func syncPath(path string) error {
	file, err := os.Open(path) //nolint:gosec // paths of the operator
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// writeNew writes a file that must not exist yet, for its owner only, durably.
func writeNew(path string, content io.Reader) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // paths of the operator
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Sync(), file.Close())
}

// copyFile makes a durable copy of a file, for its owner only, and returns the SHA-256 of the content in hexadecimal.
func copyFile(from, to string) (digest string, err error) {
	file, err := os.Open(from) //nolint:gosec // paths of the operator
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	hash := sha256.New()
	if err := writeNew(to, io.TeeReader(file, hash)); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
