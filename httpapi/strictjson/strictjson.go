// Package strictjson decodes request bodies and refuses everything that is not documented. Unlike encoding/json, it refuses unknown,
// misspelled, repeated and missing fields, null for a required field, bytes that are not UTF-8, the character U+0000 and data after the
// end. Its errors name every invalid field by its path, also those with a value of the wrong type.
package strictjson

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"time"
)

// Decoder decodes into structs without embedded ones. In their json tags "omitempty" marks optional fields. A Decoder caches what it
// needs to know of a type, and is safe for concurrent use.
type Decoder struct {
	structs sync.Map // of reflect.Type to *structInfo
}

// Decode decodes into the struct that into points to. null for an optional field means that it is absent.
// The error is a [domainerr.Invalid].
func (d *Decoder) Decode(data []byte, into any) error {
	return newDecodeState(d, data).decodeDocument(reflect.ValueOf(into).Elem())
}

// structInfo describes the fields of a struct type.
type structInfo struct {
	fields   map[string]field
	required []field
}

type field struct {
	name     string // in JSON
	index    int    // in the struct
	optional bool
}

func (d *Decoder) structInfo(t reflect.Type) *structInfo {
	if cached, found := d.structs.Load(t); found {
		return cached.(*structInfo)
	}
	info := &structInfo{fields: map[string]field{}}
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if name == "" || name == "-" {
			continue
		}
		f := field{name: name, index: i, optional: strings.Contains(options, "omitempty")}
		info.fields[name] = f
		if !f.optional {
			info.required = append(info.required, f)
		}
	}
	cached, _ := d.structs.LoadOrStore(t, info)
	return cached.(*structInfo)
}

// unmarshalsItself reports whether a type implements an unmarshaler.
func unmarshalsItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

// rule says what a value of a type must be, for error messages.
func rule(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "must be a time in the form of RFC 3339, such as 2030-01-31T00:00:00Z"
	case unmarshalsItself(t):
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
