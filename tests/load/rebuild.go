package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/licenseledger/licenseledger/tests/support/process"
)

// rebuilt is what the rebuild of a projection took.
type rebuilt struct {
	Name      string  `json:"name"`
	Events    uint64  `json:"events"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"events_per_second"`
}

// rebuild rebuilds every projection on the command line, one after the other.
func rebuild(ctx context.Context, o process.Options, progress io.Writer) ([]rebuilt, error) {
	var all []rebuilt
	for _, name := range []string{"catalog", "licenses", "machines", "timeline"} {
		_, _ = fmt.Fprintln(progress, "rebuilding", name)
		ran, err := o.Command(ctx, "projections", "rebuild", name, "--json")
		if err != nil {
			return nil, err
		}
		var done struct {
			Position uint64
			Seconds  float64
		}
		if ran.Code != 0 {
			return nil, fmt.Errorf("rebuild %s: %s", name, ran.Err)
		}
		if err := json.Unmarshal([]byte(ran.Out), &done); err != nil {
			return nil, fmt.Errorf("rebuild %s: %w: %s", name, err, ran.Out)
		}
		all = append(all, rebuilt{Name: name, Events: done.Position, Seconds: done.Seconds, PerSecond: float64(done.Position) / done.Seconds})
	}
	return all, nil
}
