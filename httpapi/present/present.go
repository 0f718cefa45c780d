// Package present converts what commands return and what read models hold into the types of the API. Each type of the API has one file,
// and is made nowhere else.
package present

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/httpapi/api"
)

// ETag returns the entity tag of a revision, for the ETag header.
func ETag[Revision ~uint64](r Revision) string { return `"` + strconv.FormatUint(uint64(r), 10) + `"` }

// features never returns nil, which would be null in JSON.
func features(f map[string]any) api.Features {
	if f == nil {
		return api.Features{}
	}
	return f
}

// storedFeatures reads the features of a row.
func storedFeatures(stored json.RawMessage) (api.Features, error) {
	var f api.Features
	if len(stored) > 0 {
		if err := json.Unmarshal(stored, &f); err != nil {
			return nil, fmt.Errorf("read the features of a row: %w", err)
		}
	}
	return features(f), nil
}

// metadata never returns nil, which would be null in JSON.
func metadata(m map[string]string) api.Metadata {
	if m == nil {
		return api.Metadata{}
	}
	return m
}

// since returns when a fact began to hold, nil if it does not hold.
func since(f *license.Fact) *time.Time {
	if f == nil {
		return nil
	}
	return utc(&f.Since)
}

func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	inUTC := t.UTC()
	return &inUTC
}
