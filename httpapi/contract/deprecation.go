package contract

import (
	"errors"
	"fmt"
	"time"
)

// Deprecation says that an endpoint has a successor and will be removed.
type Deprecation struct {
	Since     time.Time
	Sunset    time.Time // the endpoint works at least until then
	Successor string    // the path of the endpoint to use instead
}

// minDeprecation is how long a deprecated endpoint works at least, as docs/api-versions.md promises.
const minDeprecation = 365 * 24 * time.Hour

// deprecation is a [Deprecation] in the document, with dates such as 2026-11-26.
type deprecation struct{ Since, Sunset, Successor string }

// read returns the deprecation of an operation; nil when it is not deprecated.
func (d *deprecation) read(deprecated bool, paths map[string]bool) (*Deprecation, error) {
	switch {
	case d == nil && !deprecated:
		return nil, nil
	case d == nil || !deprecated:
		return nil, errors.New("deprecated and x-deprecation: one needs the other")
	}
	since, err := time.Parse(time.DateOnly, d.Since)
	if err != nil {
		return nil, fmt.Errorf("x-deprecation: since: %w", err)
	}
	sunset, err := time.Parse(time.DateOnly, d.Sunset)
	if err != nil {
		return nil, fmt.Errorf("x-deprecation: sunset: %w", err)
	}
	if sunset.Sub(since) < minDeprecation {
		return nil, errors.New("x-deprecation: a deprecated endpoint works for a year at least")
	}
	if !paths[d.Successor] {
		return nil, fmt.Errorf("x-deprecation: the document has no path %q", d.Successor)
	}
	return &Deprecation{Since: since, Sunset: sunset, Successor: d.Successor}, nil
}
