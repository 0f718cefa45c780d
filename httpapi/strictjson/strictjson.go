// Package strictjson decodes the bodies of requests exactly as they are documented. Where encoding/json is lenient, it is
// not: unknown, misspelled, repeated and missing members, values of the wrong type, null where nothing may be absent, bytes
// that are not UTF-8, the character U+0000 and data after the end are all refused, and every offending member is named by its path.
package strictjson

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"time"
)

// Decoder decodes into structs of documented requests: flat, with json tags in which "omitempty" marks what is optional.
// It remembers what it learned of a type, and is safe for concurrent use.
type Decoder struct {
	shapes sync.Map // of reflect.Type to *shape
}

// Decode fills the struct that into points to. A member that is optional may be null and is then absent.
// The error is a [domainerr.Invalid].
func (d *Decoder) Decode(data []byte, into any) error {
	r := newRun(d, data)
	return r.document(reflect.ValueOf(into).Elem())
}

// shape is what must be known of a struct type.
type shape struct {
	members  map[string]member
	required []member
}

type member struct {
	name     string
	index    int // of the struct's field
	optional bool
}

func (d *Decoder) shape(t reflect.Type) *shape {
	if known, found := d.shapes.Load(t); found {
		return known.(*shape)
	}
	s := &shape{members: map[string]member{}}
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		m := member{name: name, index: i, optional: strings.Contains(options, "omitempty")}
		s.members[name] = m
		if !m.optional {
			s.required = append(s.required, m)
		}
	}
	known, _ := d.shapes.LoadOrStore(t, s)
	return known.(*shape)
}

// decodesItself reports whether a type brings its own way of being read.
func decodesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// rule says what a value of a type must be, for people.
func rule(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "must be a time in the form of RFC 3339, such as 2030-01-31T00:00:00Z"
	case decodesItself(t):
		return "is not of the right form"
	}
	switch t.Kind() {
	case reflect.String:
		return "must be a string"
	case reflect.Bool:
		return "must be true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "must be a whole number"
	case reflect.Struct, reflect.Map:
		return "must be an object"
	case reflect.Slice:
		return "must be a list"
	default:
		return "is not of the right type"
	}
}
