package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// syncPath makes a file's content, or which files a folder has, survive power loss.
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

// newFolder is a folder in the making, beside where it will be: nobody takes it for the whole before it is.
type newFolder struct{ path, aside string }

// beginFolder makes room for a folder that must not exist yet.
func beginFolder(path string) (*newFolder, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(path); err == nil {
		return nil, &advice{fmt.Errorf("%s exists already", path), "nothing is overwritten: name a new folder"}
	}
	aside, err := os.MkdirTemp(filepath.Dir(path), "."+filepath.Base(path)+".unfinished-") // mode 0700
	if err != nil {
		return nil, &advice{err, "the folder above must exist and be writable"}
	}
	return &newFolder{path: path, aside: aside}, nil
}

func (f *newFolder) in(name string) string { return filepath.Join(f.aside, name) }

// publish gives the folder its name, durably.
func (f *newFolder) publish() error {
	if err := syncPath(f.aside); err != nil {
		return err
	}
	if err := os.Rename(f.aside, f.path); err != nil {
		return err
	}
	return syncPath(filepath.Dir(f.path))
}

// abandon removes what was not published.
func (f *newFolder) abandon() error { return os.RemoveAll(f.aside) }
