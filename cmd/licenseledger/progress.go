package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
)

// bar shows how far long work has come, with an estimate of what is left. A nil bar shows nothing.
type bar struct{ shown *progressbar.ProgressBar }

// newBar starts a bar on a terminal; elsewhere nothing is shown, so that logs stay readable.
func newBar(out io.Writer, what string, total uint64) *bar {
	file, ok := out.(*os.File)
	if !ok {
		return nil
	}
	info, err := file.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	return &bar{progressbar.NewOptions64(int64(total),
		progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(what), progressbar.OptionShowCount(),
		progressbar.OptionShowIts(), progressbar.OptionSetItsString("events"), progressbar.OptionSetPredictTime(true),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())}
}

// to moves the bar.
func (b *bar) to(done uint64) {
	if b != nil {
		_ = b.shown.Set64(int64(done))
	}
}

// done takes the bar away.
func (b *bar) done() {
	if b != nil {
		_ = b.shown.Finish()
	}
}
