// Package disk measures free space.
package disk

import "syscall"

// Free returns how many bytes may still be written to the disk of a folder.
func Free(folder string) (uint64, error) {
	var system syscall.Statfs_t
	if err := syscall.Statfs(folder, &system); err != nil {
		return 0, err
	}
	return uint64(system.Bavail) * uint64(system.Bsize), nil //nolint:unconvert // the types differ between operating systems
}
