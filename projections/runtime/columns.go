package runtime

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/licenseledger/licenseledger/domain/event"
)

// Micros is how a time is stored.
func Micros(t time.Time) int64 { return t.UnixMicro() }

// NullableMicros is how a time that may be missing is stored.
func NullableMicros(t *time.Time) any {
	if t == nil {
		return nil
	}
	return Micros(*t)
}

// NullableNumber is how a number that may be missing is stored.
func NullableNumber(n *int) any {
	if n == nil {
		return nil
	}
	return int64(*n)
}

// NullableText is how text that may be missing is stored.
func NullableText(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// Position is an event's position as stored. A ledger does not grow beyond what int64 holds.
func Position(e event.Event) int64 { return int64(e.Position) }

// Revision is an event's revision as stored.
func Revision(e event.Event) int64 { return int64(e.Revision) }

// JSON is a value as the JSON that is stored: keys sorted, so that it is the same whenever it is made.
func JSON(value any) (string, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return "", fmt.Errorf("write a column as JSON: %w", err)
	}
	return string(data), nil
}

// NonNilMap is a map that JSON writes as an object even when it has no entries.
func NonNilMap[M ~map[string]V, V any](m M) M {
	if m == nil {
		return M{}
	}
	return m
}
