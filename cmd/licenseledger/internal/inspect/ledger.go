// Package inspect reads a whole ledger and compares it with its keys and read models. It changes nothing.
package inspect

import (
	"cmp"
	"context"
	"errors"
	"io"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/progress"
	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore/ledgercopy"
)

// verify reads a whole ledger, shows its progress, decodes every event and passes it to see. If some events are of a newer version of the
// program, it reads to the end: the error names the first of them, and the summary counts all.
func verify(ctx context.Context, ledger ledgercopy.Ledger, registry *event.Registry, doing string, out io.Writer,
	see func(event.Event),
) (ledgercopy.Summary, error) {
	head, err := ledger.Head(ctx)
	if err != nil {
		return ledgercopy.Summary{}, err
	}
	bar := progress.New(out, doing, uint64(head))
	defer bar.Done()
	var newer error
	summary, err := ledgercopy.Verify(ctx, ledger, func(e event.Envelope) error {
		decoded, err := registry.Decode(e)
		switch {
		case err == nil:
			see(decoded)
		case errors.Is(err, event.ErrUnknownType):
			newer, err = cmp.Or(newer, err), nil
		}
		return err
	}, func(p event.Position) { bar.Set(uint64(p)) })
	return summary, cmp.Or(err, newer)
}

// LedgerReport is what a ledger contains.
type LedgerReport struct {
	At      string `json:"at"`
	Events  uint64 `json:"events"`
	Streams int    `json:"streams"`
	Head    uint64 `json:"head"` // engines count positions differently
	Digest  string `json:"digest"`
}

// ReportOf describes the ledger at an endpoint.
func ReportOf(at engine.Endpoint, s ledgercopy.Summary) LedgerReport {
	return LedgerReport{At: at.String(), Events: s.Events, Streams: s.Streams, Head: uint64(s.Head), Digest: s.Digest}
}

// Verify reads the ledger at an endpoint. If some events are of a newer version of the program, the error names the first of them, and the
// summary counts all.
func Verify(ctx context.Context, at engine.Endpoint, dataDir, doing string, out io.Writer) (_ ledgercopy.Summary, err error) {
	ledger, err := backends.OpenLedger(ctx, at, dataDir)
	if err != nil {
		return ledgercopy.Summary{}, err
	}
	defer func() { err = errors.Join(err, ledger.Close()) }()
	return verify(ctx, ledger, domain.Events(), doing, out, func(event.Event) {})
}

// VerifyCopy is [Verify] for a ledger that is only copied: events of a newer version are no error.
func VerifyCopy(ctx context.Context, at engine.Endpoint, dataDir, doing string, out io.Writer) (ledgercopy.Summary, error) {
	summary, err := Verify(ctx, at, dataDir, doing, out)
	if errors.Is(err, event.ErrUnknownType) {
		err = nil
	}
	return summary, err
}
