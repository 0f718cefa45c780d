package services

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// unprivileged is the user that servers are run by when the tests are run by root.
func unprivileged() (*syscall.Credential, error) {
	u, err := user.Lookup("postgres")
	if err != nil {
		u, err = user.Lookup("nobody")
	}
	if err != nil {
		return nil, fmt.Errorf("find a user to run the server: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// privateFolder makes a temporary folder for a server's data, and names the user that the server is run by: nil unless the tests
// are run by root, whom servers refuse or should not have.
func privateFolder(pattern string) (dir string, owner *syscall.Credential, err error) {
	if dir, err = os.MkdirTemp("", pattern); err != nil || os.Getuid() != 0 {
		return dir, nil, err
	}
	if owner, err = unprivileged(); err == nil {
		err = os.Chown(dir, int(owner.Uid), int(owner.Gid))
	}
	if err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	return dir, owner, nil
}
