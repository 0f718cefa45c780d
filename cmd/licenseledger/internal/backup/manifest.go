package backup

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
	"github.com/licenseledger/licenseledger/eventstore/ledgercopy"
)

// The files of a backup.
const (
	manifestFile   = "manifest.json"
	LedgerFile     = "ledger.db"
	manifestFormat = 1
)

// Manifest says what a backup of the ledger contains.
type Manifest struct {
	Format  int       `json:"format"`
	MadeAt  time.Time `json:"made_at"`
	Program string    `json:"program"`
	Schema  int64     `json:"schema"` // version of the ledger's tables
	Events  uint64    `json:"events"`
	Streams int       `json:"streams"`
	Head    uint64    `json:"head"`
	Digest  string    `json:"digest"` // as `ledger verify` prints it
	// The installation and the epoch of the ledger; null in backups of versions without.
	Installation *uuid.UUID `json:"installation"`
	Epoch        *uuid.UUID `json:"epoch"`
}

// KeysManifest says what a backup of the keys contains.
type KeysManifest struct {
	Format  int               `json:"format"`
	MadeAt  time.Time         `json:"made_at"`
	Program string            `json:"program"`
	Files   map[string]string `json:"files"` // name and SHA-256 of the content
	// The installation that the keys belong to; null when they know none.
	Installation *uuid.UUID `json:"installation"`
}

// matches returns an error unless a ledger is the one of the manifest.
func (m Manifest) matches(s ledgercopy.Summary) error {
	if s.Digest != m.Digest || s.Events != m.Events {
		return fmt.Errorf("it contains %d events with the digest %s, its manifest says %d with %s", s.Events, s.Digest, m.Events, m.Digest)
	}
	return nil
}

func writeManifest(path string, m any) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return writeNew(path, bytes.NewReader(append(text, '\n')))
}

// maxManifest bounds what is read, in bytes.
const maxManifest = 1 << 20

// readManifest reads a manifest of either kind.
func readManifest(dir string, m any) error {
	path := filepath.Join(dir, manifestFile)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return hint.New(fmt.Errorf("%s has no %s: it is not a complete backup", dir, manifestFile),
			"name a folder that `licenseledger backup` wrote")
	}
	if err == nil && info.Size() > maxManifest {
		err = fmt.Errorf("%s is too large", path)
	}
	if err != nil {
		return err
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the folder
	if err != nil {
		return err
	}
	var format struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(text, &format); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if format.Format != manifestFormat {
		return hint.New(fmt.Errorf("%s has the format %d, this program knows %d", path, format.Format, manifestFormat),
			"use the version of the program that wrote it")
	}
	return json.Unmarshal(text, m)
}
