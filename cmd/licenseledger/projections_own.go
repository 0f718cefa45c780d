package main

import (
	"context"
	"errors"
	"io"

	"github.com/licenseledger/licenseledger/projections/runtime"
)

// ownProjections are looked after by this process.
type ownProjections struct{ runner *runtime.Runner }

func (o ownProjections) list(ctx context.Context) ([]projectionInfo, error) {
	found, err := o.runner.Status(ctx)
	all := make([]projectionInfo, len(found))
	for i, p := range found {
		all[i] = projectionInfo{Name: p.Name, Version: p.Version, Position: p.Position, Lag: p.Lag, State: p.State, Error: p.Error}
	}
	return all, err
}

func (o ownProjections) rebuild(ctx context.Context, name string, progress io.Writer) (rebuiltInfo, error) {
	var bar *bar
	defer func() { bar.done() }()
	done, err := o.runner.Rebuild(ctx, name, func(done, total uint64) {
		if bar == nil {
			bar = newBar(progress, "rebuilding "+name, total)
		}
		bar.to(done)
	})
	if errors.Is(err, runtime.ErrUnknownProjection) {
		return rebuiltInfo{}, &advice{err, "`licenseledger projections list` names them"}
	}
	return rebuiltInfo{Name: name, Position: uint64(done.Position), Checksum: done.Checksum}, err
}
