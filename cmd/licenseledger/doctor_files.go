package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Room for files, in bytes.
const (
	tooLittleRoom = 256 << 20
	littleRoom    = 2 << 30
)

// examineDataDir looks at the folder of files: whether it can be used, is closed to others and has room.
func (d *diagnosis) examineDataDir(c config) {
	const check = "data directory"
	folder := absolute(c.DataDir)
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, os.ErrNotExist):
		above := nearest(folder)
		if !writable(above) {
			d.fail(check, folder+" is missing, and "+above+" is not writable", "make the folder for the user who runs the server, mode 0700")
			return
		}
		d.ok(check, folder+" is missing; the first start makes it")
	case err != nil:
		d.fail(check, err.Error(), "make the folder reachable for the user who runs the server")
		return
	case !info.IsDir():
		d.fail(check, folder+" is no folder", "name a folder with --data-dir")
		return
	case !writable(folder):
		d.fail(check, folder+" is not writable", "chown it to the user who runs the server")
	case info.Mode().Perm()&0o077 != 0:
		d.warn(check, fmt.Sprintf("%s is open to others (mode %o)", folder, info.Mode().Perm()), "chmod 700 "+folder)
	default:
		d.ok(check, folder)
	}
	if !c.EventStore.shared() || !c.ReadModels.shared() {
		d.examineRoom(nearest(folder))
	}
	for _, name := range []string{filepath.Base(c.EventStore.file(c.DataDir)), keysFile} {
		if info, err := os.Stat(c.in(name)); err == nil && info.Mode().Perm()&0o077 != 0 {
			d.fail("file "+name, fmt.Sprintf("it is open to others (mode %o)", info.Mode().Perm()), "chmod 600 "+absolute(c.in(name)))
		}
	}
}

// nearest is the folder itself or the first above it that exists.
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

func (d *diagnosis) examineRoom(folder string) {
	const check = "free space"
	free, err := freeSpace(folder)
	if err != nil {
		d.warn(check, err.Error(), "")
		return
	}
	found := fmt.Sprintf("%.1f GiB", float64(free)/(1<<30))
	switch {
	case free < tooLittleRoom:
		d.fail(check, found, "make room: a full disk stops all changes")
	case free < littleRoom:
		d.warn(check, found, "make room soon: a full disk stops all changes")
	default:
		d.ok(check, found)
	}
}
