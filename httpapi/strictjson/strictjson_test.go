package strictjson_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/strictjson"
)

// form has a member of every kind that requests have.
type form struct {
	Name     string                      `json:"name"`
	Count    *int                        `json:"count,omitempty"`
	Yes      *bool                       `json:"yes,omitempty"`
	At       *time.Time                  `json:"at,omitempty"`
	Tags     []string                    `json:"tags,omitempty"`
	Parts    []part                      `json:"parts,omitempty"`
	Labels   map[string]string           `json:"labels,omitempty"`
	Features *map[string]any             `json:"features,omitempty"`
	Values   map[string]api.StringOrList `json:"values,omitempty"`
	Part     *part                       `json:"part,omitempty"`
	Number   float64                     `json:"number,omitempty"`
	hidden   string                      //nolint:unused // what encoding/json cannot see must not be known
}

type part struct {
	ID int `json:"id"`
}

func TestWhatIsDocumentedIsDecoded(t *testing.T) {
	t.Parallel()
	var f form
	var d strictjson.Decoder
	require.NoError(t, d.Decode([]byte(` {
		"name": "n\u00e9", "count": 3, "yes": true, "at": "2030-01-31T00:00:00Z", "tags": ["a", ""], "parts": [{"id": 1}, {"id": 2}],
		"labels": {"a": "b"}, "features": {"x": 1.5, "y": "z", "w": false}, "values": {"mac": ["m"], "cpu": "c"}, "part": {"id": 0}, "number": 1e3
	} `), &f))
	count, yes, at := 3, true, time.Date(2030, 1, 31, 0, 0, 0, 0, time.UTC)
	require.Equal(t, form{
		Name: "né", Count: &count, Yes: &yes, At: &at, Tags: []string{"a", ""}, Parts: []part{{1}, {2}},
		Labels: map[string]string{"a": "b"}, Features: &map[string]any{"x": 1.5, "y": "z", "w": false},
		Values: map[string]api.StringOrList{"mac": {"m"}, "cpu": {"c"}}, Part: &part{}, Number: 1000,
	}, f)
}

func TestABackslashBeforeSomeLettersIsNoZeroCharacter(t *testing.T) {
	t.Parallel()
	var f form
	var d strictjson.Decoder
	require.NoError(t, d.Decode([]byte(`{"name":"\\u0000","tags":["\\\\u0000\u0001"]}`), &f))
	require.Equal(t, form{Name: `\u0000`, Tags: []string{"\\\\u0000\x01"}}, f)
}

func TestOptionalMembersMayBeNull(t *testing.T) {
	t.Parallel()
	var f form
	var d strictjson.Decoder
	require.NoError(t, d.Decode([]byte(`{"name":"n","count":null,"tags":null,"parts":null,"labels":null,"features":null,"part":null,"number":null}`), &f))
	require.Equal(t, form{Name: "n"}, f)
}

// offender is a refused member and the rule it breaks.
type offender struct{ name, rule string }

func TestWhatIsNotDocumentedIsRefusedByItsPath(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body   string
		fields []offender
	}{
		"nothing":             {``, []offender{{"body", "must not be empty"}}},
		"blanks":              {"  \n", []offender{{"body", "must not be empty"}}},
		"null":                {`null`, []offender{{"body", "must not be null"}}},
		"a list":              {`[{"name":"n"}]`, []offender{{"body", "must be an object"}}},
		"a number":            {`7`, []offender{{"body", "must be an object"}}},
		"an unfinished one":   {`{"name":"n"`, []offender{{"body", "is not JSON near byte 11"}}},
		"an unfinished list":  {`{"name":"n","tags":["a"`, []offender{{"body", "is not JSON near byte 23"}}},
		"a comma too many":    {`{"name":"n",}`, []offender{{"body", "is not JSON near byte 12"}}},
		"a wrong bracket":     {`{"name":"n"]`, []offender{{"body", "is not JSON near byte 11"}}},
		"a second value":      {`{"name":"n"}{}`, []offender{{"body", "must be one JSON value with nothing after it"}}},
		"garbage at the end":  {`{"name":"n"} x`, []offender{{"body", "must be one JSON value with nothing after it"}}},
		"not UTF-8":           {"{\"name\":\"\xff\"}", []offender{{"body", "must be UTF-8"}}},
		"a zero character":    {`{"name":"n\\\u0000"}`, []offender{{"body", "must not hold the character U+0000"}}},
		"one in a name":       {`{"name":"n","labels":{"\u0000":"x"}}`, []offender{{"body", "must not hold the character U+0000"}}},
		"unknown":             {`{"name":"n","nome":{"a":[1]}}`, []offender{{"nome", "is not known here"}}},
		"another case":        {`{"Name":"n"}`, []offender{{"Name", "is not known here"}, {"name", "is missing"}}},
		"an unexported field": {`{"name":"n","hidden":"x"}`, []offender{{"hidden", "is not known here"}}},
		"twice":               {`{"name":"n","name":"m"}`, []offender{{"name", "is there twice"}}},
		"twice in a map":      {`{"name":"n","labels":{"a":"1","a":"2"}}`, []offender{{"labels.a", "is there twice"}}},
		"missing":             {`{}`, []offender{{"name", "is missing"}}},
		"missing in a list":   {`{"name":"n","parts":[{"id":1},{}]}`, []offender{{"parts[1].id", "is missing"}}},
		"required and null":   {`{"name":null}`, []offender{{"name", "must not be null"}}},
		"null in a list": {`{"name":"n","tags":["a",null],"parts":[null]}`,
			[]offender{{"tags[1]", "must not be null"}, {"parts[0]", "must not be null"}}},
		"null in a map": {`{"name":"n","labels":{"a":null},"features":{"x":null}}`,
			[]offender{{"labels.a", "must not be null"}, {"features.x", "must not be null"}}},
		"wrong types": {`{"name":1,"count":"3","yes":0,"at":"then","tags":"a","parts":{},"labels":[],"features":7,"part":[[{}]],"number":"1"}`, []offender{
			{"name", "must be a string"}, {"count", "must be a whole number"}, {"yes", "must be true or false"},
			{"at", "must be a time in the form of RFC 3339, such as 2030-01-31T00:00:00Z"}, {"tags", "must be a list"}, {"parts", "must be a list"},
			{"labels", "must be an object"}, {"features", "must be an object"}, {"part", "must be an object"},
			{"number", "is not of the right type"},
		}},
		"wrong in depth": {`{"name":"n","parts":[{"id":true}],"labels":{"a":{"b":1}}}`,
			[]offender{{"parts[0].id", "must be a whole number"}, {"labels.a", "must be a string"}}},
		"a fraction": {`{"name":"n","count":1.5}`, []offender{{"count", "must be a whole number"}}},
		"too large":  {`{"name":"n","count":1e400}`, []offender{{"count", "must be a whole number"}}},
		"a type of its own": {`{"name":"n","values":{"mac":7,"cpu":["a",1]}}`,
			[]offender{{"values.mac", "must be a string or a list of strings"}, {"values.cpu", "must be a string or a list of strings"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var f form
			var d strictjson.Decoder
			var invalid *domainerr.Invalid
			require.ErrorAs(t, d.Decode([]byte(c.body), &f), &invalid)
			var fields []offender
			for _, f := range invalid.Fields {
				fields = append(fields, offender{f.Name, f.Message})
			}
			require.Equal(t, c.fields, fields)
		})
	}
}

func TestOnlySoManyOffendersAreNamed(t *testing.T) {
	t.Parallel()
	var f form
	var d strictjson.Decoder
	var invalid *domainerr.Invalid
	body := `{"name":"n","tags":[` + strings.Repeat("1,", 5000) + `1]}`
	require.ErrorAs(t, d.Decode([]byte(body), &f), &invalid)
	require.Len(t, invalid.Fields, 20)
	require.ErrorAs(t, d.Decode([]byte(`{"name":"n","`+strings.Repeat("é", 9000)+`":1}`), &f), &invalid)
	require.Len(t, invalid.Fields, 1)
	require.Less(t, len(invalid.Fields[0].Name), 110)
}

// FuzzDecode holds the decoder against encoding/json: what it accepts is accepted there, with the same result, and it
// refuses whatever it refuses in the documented way.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"name":"n"}`, `{"name":"n","parts":[{"id":1}],"labels":{"a":"b"},"features":{"x":null}}`, `[`, `{"name":"n","name":"n"}`,
		`{"name":"n","values":{"mac":["a"]},"at":"2030-01-31T00:00:00Z"}`, `{"name":1}{}`, "\xff", `{"name":"\ud800","number":1e999}`,
	} {
		f.Add([]byte(seed))
	}
	var d strictjson.Decoder
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, into := range []func() any{
			func() any { return &form{} }, func() any { return &api.IssueLicenses{} }, func() any { return &api.PublishPlan{} },
			func() any { return &api.ActivateMachine{} }, func() any { return &api.Validate{} },
		} {
			strict, lenient := into(), into()
			if err := d.Decode(body, strict); err != nil {
				var invalid *domainerr.Invalid
				require.ErrorAs(t, err, &invalid)
				require.NotEmpty(t, invalid.Fields)
				require.LessOrEqual(t, len(invalid.Fields), 21)
				continue
			}
			require.NoError(t, json.Unmarshal(body, lenient))
			require.True(t, reflect.DeepEqual(lenient, strict), "%s", body)
		}
	})
}
