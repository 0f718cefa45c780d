// Package hardening keeps the memory of the process, which holds keys, from other processes and from files.
package hardening

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Process lets no core file of this process be written, and on Linux no other process of the same user read its memory
// (https://man7.org/linux/man-pages/man2/PR_SET_DUMPABLE.2const.html).
func Process() error {
	var problems error
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}); err != nil {
		problems = fmt.Errorf("forbid core files: %w", err)
	}
	return errors.Join(problems, forbidDumps())
}
