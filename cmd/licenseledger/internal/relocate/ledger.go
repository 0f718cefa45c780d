package relocate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/inspect"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/progress"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore/ledgercopy"
)

// Report is what a copy did.
type Report struct {
	From     inspect.LedgerReport `json:"from"`
	To       inspect.LedgerReport `json:"to"`
	Present  uint64               `json:"present"` // events that the target contained already
	Appended uint64               `json:"appended"`
	Took     time.Duration        `json:"took_ns"`
}

// Ledger copies the events that the target lacks, and compares both ledgers.
func Ledger(ctx context.Context, p Plan, out io.Writer) (report Report, err error) {
	began := time.Now()
	unlock, err := p.lock()
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	copied, err := p.appendMissing(ctx, out)
	switch {
	case errors.Is(err, ledgercopy.ErrDifferent):
		return report, hint.New(err, "nothing was changed; choose an empty target, or one that such a copy was begun in")
	case err != nil:
		return report, hint.Default(err, "run the same command again: it continues where it ended")
	}
	written, err := inspect.VerifyCopy(ctx, p.To, p.DataDir, "comparing", out)
	if err != nil {
		return report, hint.Default(fmt.Errorf("read back the target: %w", err), "run the same command again: what was copied is compared again")
	}
	if written.Digest != copied.Source.Digest || written.Events != copied.Source.Events {
		return report, hint.New(
			fmt.Errorf("the target is not a copy: %d events with the digest %s, of %d with %s", written.Events, written.Digest,
				copied.Source.Events, copied.Source.Digest),
			"somebody else wrote to the target meanwhile: start again with an empty one",
		)
	}
	return Report{
		From: inspect.ReportOf(p.From, copied.Source), To: inspect.ReportOf(p.To, written),
		Present: copied.Present, Appended: copied.Source.Events - copied.Present, Took: time.Since(began),
	}, nil
}

// appendMissing appends to the target the events that it lacks.
func (p Plan) appendMissing(ctx context.Context, out io.Writer) (_ ledgercopy.Copied, err error) {
	source, err := backends.OpenLedger(ctx, p.From, p.DataDir)
	if err != nil {
		return ledgercopy.Copied{}, fmt.Errorf("the source: %w", err)
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	head, err := source.Head(ctx)
	if err != nil {
		return ledgercopy.Copied{}, fmt.Errorf("the source: %w", err)
	}
	target, err := backends.OpenEvents(ctx, p.To, p.DataDir, slog.New(slog.DiscardHandler))
	if err != nil {
		return ledgercopy.Copied{}, fmt.Errorf("the target: %w", err)
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	epochs, err := source.Epochs(ctx)
	if err != nil {
		return ledgercopy.Copied{}, fmt.Errorf("the source: %w", err)
	}
	bar := progress.New(out, "copying", uint64(head))
	defer bar.Done()
	copied, err := ledgercopy.Copy(ctx, source, target, func(at event.Position) { bar.Set(uint64(at)) })
	if err != nil {
		return copied, err
	}
	return copied, ledgercopy.CopyEpochs(ctx, epochs, target, backends.NewID(), time.Now())
}
