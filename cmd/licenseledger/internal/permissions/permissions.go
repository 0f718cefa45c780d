// Package permissions checks who may read and write files and folders.
package permissions

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
)

// What group and others may do.
const (
	othersAll   fs.FileMode = 0o077
	othersWrite fs.FileMode = 0o022
	// A file of root's is allowed to the group of a server that does not run as root, which could not read it otherwise: so mount Kubernetes
	// and Docker secrets. PostgreSQL has the same rule: https://www.postgresql.org/docs/current/ssl-tcp.html#SSL-SETUP.
	othersOfRootsFile fs.FileMode = 0o037
)

// RequirePrivate returns an error if others may read or write the file of a secret.
func RequirePrivate(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	owner := -1
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		owner = int(stat.Uid)
	}
	if exposed(info.Mode(), owner, os.Geteuid()) {
		return hint.New(fmt.Errorf("%s holds a secret and may be read or written by others (mode %o)", path, info.Mode().Perm()),
			"chmod 600 "+path)
	}
	return nil
}

func exposed(mode fs.FileMode, owner, self int) bool {
	if owner == 0 && self != 0 {
		return mode&othersOfRootsFile != 0
	}
	return mode&othersAll != 0
}

// RequireUnwritable returns an error if others may write a file, or create and replace files in a folder.
func RequireUnwritable(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Mode()&othersWrite != 0 {
		return hint.New(fmt.Errorf("%s may be written by others (mode %o)", path, info.Mode().Perm()), "chmod go-w "+path)
	}
	return nil
}

// OpenToOthers reports whether others may do anything with a file or folder.
func OpenToOthers(info fs.FileInfo) bool { return info.Mode()&othersAll != 0 }
