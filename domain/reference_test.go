package domain_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/invopop/jsonschema"
	validator "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain"
	"github.com/licenseledger/licenseledger/domain/domaintest"
	"github.com/licenseledger/licenseledger/domain/license"
	"github.com/licenseledger/licenseledger/domain/machine"
)

const (
	module    = "github.com/licenseledger/licenseledger"
	reference = "../docs/events.md"
	schemas   = "../docs/events"
)

const introduction = `# Events

<!-- Generated from the Go types by ` + "`make generate`" + `. Do not edit. -->

Every event that a ledger may hold, as ` + "`GET /v1/ledger/events`" + ` returns it in ` + "`data`" + `. Names and meanings are permanent: a changed rule is a new version, and
the old version is read as the new one. Each name links to the JSON Schema (draft 2020-12) of the data. Times are UTC (RFC 3339), ids are
UUIDs (RFC 9562), bytes are base64 (RFC 4648). Personal data is sealed.

| event | meaning |
| --- | --- |
`

// writeReference writes docs/events.md and the schemas that it links to.
func writeReference() error {
	pages, err := references()
	if err != nil {
		return err
	}
	for path, text := range pages {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// references returns the pages of the reference by their paths.
func references() (map[string]string, error) {
	reflector := jsonschema.Reflector{Anonymous: true, DoNotReference: true, Mapper: plain}
	if err := reflector.AddGoComments(module+"/domain", "./"); err != nil {
		return nil, err
	}
	pages, rows := map[string]string{}, []string{}
	for eventType, s := range domaintest.Samples() {
		schema := reflector.Reflect(s.Full)
		schema.Title = string(eventType)
		forReaders(schema)
		text, err := json.MarshalIndent(schema, "", "  ")
		if err != nil {
			return nil, err
		}
		pages[filepath.Join(schemas, string(eventType)+".schema.json")] = string(text) + "\n"
		meaning := strings.TrimPrefix(schema.Description, reflect.TypeOf(s.Full).Name()+" ")
		rows = append(rows, fmt.Sprintf("| [`%s`](events/%s.schema.json) | %s |\n", eventType, eventType, sentence(meaning)))
	}
	slices.Sort(rows)
	pages[reference] = introduction + strings.Join(rows, "")
	return pages, nil
}

// plain gives the schemas of types that write themselves as text.
func plain(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[uuid.UUID]():
		return &jsonschema.Schema{Type: "string", Format: "uuid"}
	case reflect.TypeFor[license.Serial]():
		return &jsonschema.Schema{Type: "string", Pattern: "^[0-9a-f]{16}$"}
	case reflect.TypeFor[machine.Fingerprint]():
		return &jsonschema.Schema{Type: "string", Pattern: "^[0-9a-f]{64}$"}
	case reflect.TypeFor[[]byte]():
		return &jsonschema.Schema{Type: "string", ContentEncoding: "base64"}
	}
	return nil
}

// forReaders takes what only Go readers understand out of the comments.
func forReaders(schema *jsonschema.Schema) {
	schema.Description = strings.NewReplacer("[", "", "]", "", "nil: ", "absent: ").Replace(schema.Description)
	if schema.Properties == nil {
		return
	}
	for member := schema.Properties.Oldest(); member != nil; member = member.Next() {
		forReaders(member.Value)
	}
}

// sentence makes a comment a cell of a table.
func sentence(comment string) string {
	comment = strings.Join(strings.Fields(comment), " ")
	if comment == "" {
		return ""
	}
	return strings.ToUpper(comment[:1]) + comment[1:]
}

func TestTheReferenceOfEventsIsCurrent(t *testing.T) {
	t.Parallel()
	pages, err := references()
	require.NoError(t, err)
	require.Len(t, pages, len(domain.Events().Types())+1)
	for path, text := range pages {
		written, err := os.ReadFile(path)
		require.NoError(t, err, "run `make generate`")
		require.Equal(t, text, string(written), "run `make generate`")
	}
}

func TestWhatTheLedgerHoldsKeepsToTheSchemas(t *testing.T) {
	t.Parallel()
	for _, eventType := range domain.Events().Types() {
		schema, err := validator.NewCompiler().Compile(filepath.Join(schemas, string(eventType)+".schema.json"))
		require.NoError(t, err)
		g := readGolden(t, eventType)
		for _, data := range [][]byte{g.Full, g.Minimal} {
			value, err := validator.UnmarshalJSON(bytes.NewReader(data))
			require.NoError(t, err)
			require.NoError(t, schema.Validate(value), "%s: %s", eventType, data)
		}
		require.Error(t, schema.Validate(map[string]any{"unknown": true}), eventType)
	}
}
