package crash_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/tests/support/blackbox"
	"github.com/licenseledger/licenseledger/tests/support/engines"
	"github.com/licenseledger/licenseledger/tests/support/process"
)

const (
	smallDisk = "size=256m"
	filesEnd  = 4096 // bytes; where a file may grow no further when files are limited
)

func TestAFullDiskRefusesCommandsUntilThereIsRoomAgain(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, smallDisk); err != nil {
		t.Logf("a small disk cannot be mounted (%v): the limit of file sizes stands for it", err)
		fullDisk(t, nil, limitFiles, unlimitFiles)
		return
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	ballast := filepath.Join(dir, "ballast")
	fullDisk(t,
		func(o *process.Options) { o.DataDir = filepath.Join(dir, "data") },
		func(w *harness) { fill(w.t, ballast) },
		func(*harness) error { return os.Remove(ballast) })
}

func TestFilesThatMayNotGrowRefuseCommandsUntilTheyMay(t *testing.T) {
	fullDisk(t, nil, limitFiles, unlimitFiles)
}

// fullDisk runs rounds in which nothing more can be written for a while.
func fullDisk(t *testing.T, place func(*process.Options), full func(*harness), room func(*harness) error) {
	t.Helper()
	on, err := engines.Start(engines.SQLite, engines.SQLite)
	require.NoError(t, err)
	if place == nil {
		place = func(*process.Options) {}
	}
	w, rounds := newHarness(t, on, place)
	pid := w.server.PID()
	// A licence that nobody changes meanwhile.
	l := newLicense(blackbox.Created[api.LicenseWithKey](w.server.Admin(t).Post("/v1/licenses", order("team"))))
	activated := w.server.Anyone(t).Post("/v1/activations", object{"license_key": l.key, "machine": machine("steady")})
	require.Equal(t, http.StatusCreated, activated.Status)
	w.compared = activated.Position()
	w.others = append(w.others, l.id)
	for range max(2, rounds/4) {
		w.workThrough(fault{
			inject: func() { full(w) },
			during: func() {
				require.True(t, blackbox.OK[api.Verdict](w.server.Anyone(t).Post("/v1/validate",
					object{"license_key": l.key, "machine": machine("steady")})).Valid)
				require.Equal(t, 1, blackbox.OK[api.License](w.server.Admin(t).Get("/v1/licenses/"+l.id.String())).Seats.Used)
				ready := blackbox.OK[api.Readiness](w.server.Anyone(t).Get("/healthz/ready"))
				require.Equal(t, api.ReadinessStatusDegraded, ready.Status, "%v", ready)
				require.Equal(t, api.ReadinessChecksOk, ready.Checks["ledger"], "what is there can be read")
				require.Contains(t, []api.ReadinessChecks{ready.Checks["ledger_writes"], ready.Checks["key_writes"]}, api.ReadinessChecksDegraded,
					"%v", ready)
			},
			repair: func() error { return room(w) },
		})
		w.check()
		require.Equal(t, api.ReadinessStatusOk, blackbox.OK[api.Readiness](w.server.Anyone(t).Get("/healthz/ready")).Status)
	}
	w.checkNothingElseWasIssued()
	require.Equal(t, pid, w.server.PID())
	t.Logf("%d commands acknowledged, %d refused while there was no room", w.acknowledged, w.refused)
	require.NoError(t, w.server.Stop())
	ran := w.server.Command(t, "fsck")
	require.Zero(t, ran.Code, "%s%s", ran.Out, ran.Err)
}

// fill writes a file until there is no room for another byte.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	for block := make([]byte, 64<<10); len(block) > 0; {
		if _, err = f.Write(block); err != nil {
			block = block[:len(block)/2]
		}
	}
	require.ErrorIs(t, errors.Join(err, f.Close()), syscall.ENOSPC)
}

// limitFiles keeps the server's files from growing.
func limitFiles(w *harness) {
	w.t.Helper()
	require.NoError(w.t, unix.Prlimit(w.server.PID(), unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: filesEnd, Max: unix.RLIM_INFINITY}, nil))
}

func unlimitFiles(w *harness) error {
	return unix.Prlimit(w.server.PID(), unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}, nil)
}
