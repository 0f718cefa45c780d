// Package progress shows on a terminal how far long work has come.
package progress

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
)

// Bar shows progress and an estimate of the time left. A nil Bar shows nothing.
type Bar struct{ shown *progressbar.ProgressBar }

// New starts a bar on a terminal. Elsewhere it returns nil, so that logs stay readable.
func New(out io.Writer, what string, total uint64) *Bar {
	file, ok := out.(*os.File)
	if !ok {
		return nil
	}
	info, err := file.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	return &Bar{progressbar.NewOptions64(int64(total),
		progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(what), progressbar.OptionShowCount(),
		progressbar.OptionShowIts(), progressbar.OptionSetItsString("events"), progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())}
}

// Set moves the bar.
func (b *Bar) Set(done uint64) {
	if b != nil {
		_ = b.shown.Set64(int64(done))
	}
}

// Done removes the bar.
func (b *Bar) Done() {
	if b != nil {
		_ = b.shown.Finish()
	}
}
