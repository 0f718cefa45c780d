package cli

import (
	"context"
	"errors"
	"io"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/progress"
	"github.com/licenseledger/licenseledger/projections/runtime"
)

// ownProjections belong to this process.
type ownProjections struct{ runner *runtime.Runner }

func (o ownProjections) list(ctx context.Context) ([]projectionInfo, error) {
	found, err := o.runner.Status(ctx)
	all := make([]projectionInfo, len(found))
	for i, p := range found {
		all[i] = projectionInfo{Name: p.Name, Version: p.Version, Position: p.Position, Lag: p.Lag, State: p.State, Error: p.Error}
	}
	return all, err
}

func (o ownProjections) rebuild(ctx context.Context, name string, out io.Writer) (rebuiltInfo, error) {
	var bar *progress.Bar
	defer func() { bar.Done() }()
	done, err := o.runner.Rebuild(ctx, name, func(done, total uint64) {
		if bar == nil {
			bar = progress.New(out, "rebuilding "+name, total)
		}
		bar.Set(done)
	})
	if errors.Is(err, runtime.ErrUnknownProjection) {
		return rebuiltInfo{}, hint.New(err, "`licenseledger projections list` names them")
	}
	return rebuiltInfo{Name: name, Position: uint64(done.Position), Checksum: done.Checksum}, err
}
