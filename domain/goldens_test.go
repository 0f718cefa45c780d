package domain_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"log"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/domain/domaintest"
	"github.com/licenseledger/licenseledger/domain/event"
)

// golden is what a file of testdata/events holds: both samples of one event type, as the ledger stores them but for the
// white space between their members.
type golden struct {
	Full    json.RawMessage `json:"full"`
	Minimal json.RawMessage `json:"minimal"`
}

func TestMain(m *testing.M) {
	update := flag.Bool("update", false, "write the goldens that are missing, and the reference of events")
	flag.Parse()
	if *update {
		if err := errors.Join(writeMissingGoldens(), writeReference()); err != nil {
			log.Fatal(err)
		}
	}
	os.Exit(m.Run())
}

// writeMissingGoldens leaves a file that exists as it is, since bytes like it may be in somebody's ledger. When an event
// gets an optional field, its file is deleted by hand before.
func writeMissingGoldens() error {
	for eventType, s := range domaintest.Samples() {
		if _, err := os.Stat(goldenPath(eventType)); err == nil {
			continue
		}
		full, err := event.Encode(s.Full)
		if err != nil {
			return err
		}
		minimal, err := event.Encode(s.Minimal)
		if err != nil {
			return err
		}
		text, err := json.MarshalIndent(golden{Full: full, Minimal: minimal}, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(goldenPath(eventType), append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func goldenPath(t event.Type) string {
	return filepath.Join("testdata", "events", string(t)+".json")
}

func readGolden(t *testing.T, eventType event.Type) golden {
	t.Helper()
	text, err := os.ReadFile(goldenPath(eventType))
	require.NoError(t, err)
	var g golden
	require.NoError(t, json.Unmarshal(text, &g))
	return golden{Full: compact(t, g.Full), Minimal: compact(t, g.Minimal)}
}

func compact(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, json.Compact(&b, data))
	return b.Bytes()
}

func decode(t *testing.T, eventType event.Type, data []byte) event.Payload {
	t.Helper()
	decoded, err := domain.Events().Decode(event.Envelope{Pending: event.Pending{Type: eventType, Data: data}})
	require.NoError(t, err)
	return decoded.Payload
}

func TestEveryEventTypeEverWrittenHasItsGoldenAndItsSample(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "events", "*.json"))
	require.NoError(t, err)
	var withGolden, withSample []event.Type
	for _, path := range files {
		withGolden = append(withGolden, event.Type(strings.TrimSuffix(filepath.Base(path), ".json")))
	}
	for eventType := range domaintest.Samples() {
		withSample = append(withSample, eventType)
	}
	require.ElementsMatch(t, domain.Events().Types(), withGolden)
	require.ElementsMatch(t, domain.Events().Types(), withSample)
}

func TestGoldensDecodeToTheirEventsAndBackToTheSameBytes(t *testing.T) {
	t.Parallel()
	for eventType, s := range domaintest.Samples() {
		g := readGolden(t, eventType)
		for name, pair := range map[string]struct {
			data     []byte
			expected event.Payload
		}{"full": {g.Full, s.Full}, "minimal": {g.Minimal, s.Minimal}} {
			t.Run(string(eventType)+" "+name, func(t *testing.T) {
				t.Parallel()
				decoded := decode(t, eventType, pair.data)
				require.Equal(t, pair.expected, decoded)
				newest, _ := domain.Events().Newest(eventType)
				require.Equal(t, newest, decoded.EventType())
				if newest != eventType {
					return // what an old version wrote is read, not written
				}
				written, err := event.Encode(decoded)
				require.NoError(t, err)
				require.Equal(t, string(pair.data), string(written))
			})
		}
	}
}

func TestFieldsOfANewerWriterAreTolerated(t *testing.T) {
	t.Parallel()
	// The members whose names are given by the program, not by its users.
	nested := []string{"policy", "terms", "price", "signing_key"}
	var extend func(object map[string]any)
	extend = func(object map[string]any) {
		for _, name := range nested {
			if inner, ok := object[name].(map[string]any); ok {
				extend(inner)
			}
		}
		object["from_the_future"] = []any{map[string]any{"x": 1}}
	}
	for eventType, s := range domaintest.Samples() {
		var object map[string]any
		require.NoError(t, json.Unmarshal(readGolden(t, eventType).Full, &object))
		extend(object)
		extended, err := json.Marshal(object)
		require.NoError(t, err)
		require.Equal(t, s.Full, decode(t, eventType, extended), eventType)
	}
}

// TestFullSamplesLeaveNoFieldOut makes sure that a field that is added to an event is added to its golden.
func TestFullSamplesLeaveNoFieldOut(t *testing.T) {
	t.Parallel()
	for eventType, s := range domaintest.Samples() {
		requireAllSet(t, string(eventType), reflect.ValueOf(s.Full))
	}
}

func requireAllSet(t *testing.T, path string, v reflect.Value) {
	t.Helper()
	require.False(t, v.IsZero(), "%s is not set", path)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct || !strings.HasPrefix(v.Type().PkgPath(), "github.com/licenseledger/") {
		return
	}
	for i := range v.NumField() {
		requireAllSet(t, path+"."+v.Type().Field(i).Name, v.Field(i))
	}
}
