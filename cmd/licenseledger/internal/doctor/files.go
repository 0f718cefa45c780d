package doctor

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/disk"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/permissions"
)

// Free space of a disk, in bytes.
const (
	tooLittleSpace = 256 << 20
	littleSpace    = 2 << 30
)

// examineDataDir checks whether the folder of files can be used, is closed to others and has free space.
func (d *examination) examineDataDir(c config.Config) {
	const check = "data directory"
	folder := engine.Absolute(c.DataDir)
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, os.ErrNotExist):
		above := nearest(folder)
		if !writable(above) {
			d.Fail(check, folder+" is missing, and "+above+" is not writable", "create the folder for the user who runs the server, mode 0700")
			return
		}
		d.OK(check, folder+" is missing; the first start creates it")
	case err != nil:
		d.Fail(check, err.Error(), "make the folder reachable for the user who runs the server")
		return
	case !info.IsDir():
		d.Fail(check, folder+" is not a folder", "name a folder with --data-dir")
		return
	case !writable(folder):
		d.Fail(check, folder+" is not writable", "chown it to the user who runs the server")
	case permissions.RequireUnwritable(folder) != nil:
		d.Error(check, permissions.RequireUnwritable(folder))
	case permissions.OpenToOthers(info):
		d.Warn(check, fmt.Sprintf("%s is open to others (mode %o)", folder, info.Mode().Perm()), "chmod 700 "+folder)
	default:
		d.OK(check, folder)
	}
	for _, other := range c.Folders()[1:] {
		if err := permissions.RequireUnwritable(other); err != nil && !errors.Is(err, os.ErrNotExist) {
			d.Error("folder "+other, err)
		}
	}
	if !c.EventStore.Shared() || !c.ReadModels.Shared() {
		d.examineSpace(nearest(folder))
	}
	for _, name := range []string{filepath.Base(c.EventStore.File(c.DataDir)), backends.KeysFile} {
		if info, err := os.Stat(c.In(name)); err == nil && info.Mode().Perm()&0o077 != 0 {
			d.Fail("file "+name, fmt.Sprintf("it is open to others (mode %o)", info.Mode().Perm()), "chmod 600 "+engine.Absolute(c.In(name)))
		}
	}
}

// nearest returns the folder itself or the first above it that exists.
func nearest(folder string) string {
	for {
		if _, err := os.Stat(folder); err == nil || filepath.Dir(folder) == folder {
			return folder
		}
		folder = filepath.Dir(folder)
	}
}

// writable asks the operating system, without writing.
func writable(path string) bool {
	const write = 2
	return syscall.Access(path, write) == nil
}

func (d *examination) examineSpace(folder string) {
	const check = "free space"
	free, err := disk.Free(folder)
	if err != nil {
		d.Warn(check, err.Error(), "")
		return
	}
	found := fmt.Sprintf("%.1f GiB", float64(free)/(1<<30))
	switch {
	case free < tooLittleSpace:
		d.Fail(check, found, "free some space: a full disk stops all changes")
	case free < littleSpace:
		d.Warn(check, found, "free some space soon: a full disk stops all changes")
	default:
		d.OK(check, found)
	}
}
