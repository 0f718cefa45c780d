package backends

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/permissions"
)

// The files in the data directory whose names are not configured.
const (
	KeysFile      = "keys.db"    // sealed secrets, if the read models are in a file too; never in a backup of the ledger
	MasterKeyFile = "master.key" // opens the keys
	LockFile      = "lock"       // held by the one process that uses the directory
)

// The default files of the ledger and the read models.
const (
	LedgerFile     = "ledger.db"
	ReadModelsFile = "readmodels.db"
)

// Settings say where the parts of a ledger are.
type Settings struct {
	DataDir    string
	EventStore engine.Endpoint
	ReadModels engine.Endpoint
	Keys       engine.Endpoint // beside the read models; in a file of their own if these are in one
	Replica    engine.Endpoint // of the read models; zero: none
	MasterKey  string          // empty: in the data directory
	Redis      string          // a URL that may contain a password; empty: none
}

// Embedded are the settings of a ledger with everything in one folder.
func Embedded(folder string) Settings {
	return Settings{DataDir: folder, EventStore: File(LedgerFile), ReadModels: File(ReadModelsFile), Keys: File(KeysFile)}
}

// Part is a part of a ledger and where it is.
type Part struct {
	Name engine.Part
	At   engine.Endpoint
}

// Parts lists the parts.
func (s Settings) Parts() []Part {
	return []Part{{engine.EventStore, s.EventStore}, {engine.ReadModels, s.ReadModels}, {engine.Keys, s.Keys}}
}

// FileOfPart is a database file of an embedded engine.
type FileOfPart struct{ Database, Path string }

// Files lists the database files.
func (s Settings) Files() []FileOfPart {
	var files []FileOfPart
	for _, p := range s.Parts() {
		name := string(p.Name)
		if p.Name == engine.EventStore {
			name = "ledger"
		}
		if !p.At.Shared() {
			files = append(files, FileOfPart{name, p.At.File(s.DataDir)})
		}
	}
	return files
}

// In returns the path of a file in the data directory.
func (s Settings) In(name string) string { return filepath.Join(s.DataDir, name) }

// Folders lists the data directory and the other folders of database files.
func (s Settings) Folders() []string {
	folders := []string{filepath.Clean(s.DataDir)}
	for _, file := range s.Files() {
		if folder := filepath.Dir(file.Path); !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	return folders
}

// requireSafeFolders returns an error if others may create or replace files beside those of the ledger. It logs a warning if others may
// read a folder.
func (s Settings) requireSafeFolders(ctx context.Context, logger *slog.Logger) error {
	for _, folder := range s.Folders() {
		info, err := os.Stat(folder)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return hint.New(err, "make the folder reachable for the user who runs the program")
		}
		if err := permissions.RequireUnwritable(folder); err != nil {
			return err
		}
		if permissions.OpenToOthers(info) {
			logger.WarnContext(ctx, "a folder of the ledger's files is open to others; chmod 700 closes it", "folder", engine.Absolute(folder),
				"mode", fmt.Sprintf("%o", info.Mode().Perm()))
		}
	}
	return nil
}

// MakeDataDir creates the data directory, readable by its owner only.
func (s Settings) MakeDataDir() error {
	if err := os.MkdirAll(s.DataDir, 0o700); err != nil {
		return hint.New(fmt.Errorf("create the data directory: %w", err), "choose a folder you may write to with --data-dir")
	}
	return nil
}
