// Package relocate copies a ledger or its keys to another place, on any engine.
package relocate

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
)

// Plan says from where to where something is copied.
type Plan struct {
	From, To engine.Endpoint
	DataDir  string // relative paths are in it
}

// Check returns an error if the source is the target.
func (p Plan) Check() error {
	if p.From == p.To || (!p.From.Shared() && !p.To.Shared() && p.From.File(p.DataDir) == p.To.File(p.DataDir)) {
		return errors.New("the source is the target")
	}
	return nil
}

// lock locks the folders of embedded endpoints against servers. A source folder without a lock file was never served and gets no lock.
func (p Plan) lock() (unlock func() error, err error) {
	folders := map[string]bool{} // whether to create the folder and its lock file
	if !p.From.Shared() {
		folders[filepath.Dir(p.From.File(p.DataDir))] = false
	}
	if !p.To.Shared() {
		folders[filepath.Dir(p.To.File(p.DataDir))] = true
	}
	var unlocks []func() error
	unlock = func() error {
		var all error
		for _, u := range unlocks {
			all = errors.Join(all, u())
		}
		return all
	}
	for folder, target := range folders {
		if target {
			if err := os.MkdirAll(folder, 0o700); err != nil {
				return nil, errors.Join(err, unlock())
			}
		} else if _, err := os.Stat(filepath.Join(folder, backends.LockFile)); err != nil {
			continue
		}
		u, err := backends.LockFolder(folder)
		if err != nil {
			return nil, errors.Join(err, unlock())
		}
		unlocks = append(unlocks, u)
	}
	return unlock, nil
}
