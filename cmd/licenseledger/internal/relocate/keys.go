package relocate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
	"github.com/licenseledger/licenseledger/keyring"
)

// Keys copies sealed keys to a database that contains none.
func Keys(ctx context.Context, p Plan) (rows int, err error) {
	unlock, err := p.lock()
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if !p.From.Shared() {
		if _, err := os.Stat(p.From.File(p.DataDir)); err != nil {
			return 0, hint.New(fmt.Errorf("the source: %w", err), "name the data directory with --data-dir")
		}
	}
	from, err := backends.OpenKeys(ctx, p.From, p.DataDir, slog.New(slog.DiscardHandler))
	if err != nil {
		return 0, fmt.Errorf("the source: %w", err)
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := backends.OpenKeys(ctx, p.To, p.DataDir, slog.New(slog.DiscardHandler))
	if err != nil {
		return 0, fmt.Errorf("the target: %w", err)
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	rows, err = keyring.Copy(ctx, from, to)
	if errors.Is(err, keyring.ErrHoldsKeys) {
		created := "the file"
		if ns := p.To.Engine.Namespace; ns != nil {
			created = "the " + ns.Describe(p.To.Namespace)
		}
		return 0, hint.New(err, "if a server created them and they are not in use, drop what it created ("+created+") and copy again")
	}
	return rows, err
}
