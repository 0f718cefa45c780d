package backup

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
)

// atomicDir is a folder that gets its name when it is complete. Until then it has another name beside it.
type atomicDir struct{ path, temp string }

// newAtomicDir begins a folder that must not exist yet.
func newAtomicDir(path string) (*atomicDir, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(path); err == nil {
		return nil, hint.New(fmt.Errorf("%s exists already", path), "nothing is overwritten: name a new folder")
	}
	temp, err := os.MkdirTemp(filepath.Dir(path), "."+filepath.Base(path)+".unfinished-") // mode 0700
	if err != nil {
		return nil, hint.New(err, "the folder above must exist and be writable")
	}
	return &atomicDir{path: path, temp: temp}, nil
}

func (f *atomicDir) in(name string) string { return filepath.Join(f.temp, name) }

// publish renames the folder to its name, durably.
func (f *atomicDir) publish() error {
	if err := syncPath(f.temp); err != nil {
		return err
	}
	if err := os.Rename(f.temp, f.path); err != nil {
		return err
	}
	return syncPath(filepath.Dir(f.path))
}

// discard removes the folder if it was not published.
func (f *atomicDir) discard() error { return os.RemoveAll(f.temp) }
