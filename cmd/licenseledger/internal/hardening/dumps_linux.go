package hardening

import (
	"fmt"

	"golang.org/x/sys/unix"
)

func forbidDumps() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("close the memory to other processes: %w", err)
	}
	return nil
}
