package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/licenseledger/licenseledger/domain/domainerr"
)

const (
	maxFields    = 20  // so many offending members are named; a body may hold thousands
	maxFieldName = 100 // bytes of a path that are repeated to the client
	body         = "body"
)

// errEnough ends a run whose body is not worth reading on.
var errEnough = errors.New("enough errors")

// run decodes one body.
type run struct {
	decoder *Decoder
	data    []byte
	json    *json.Decoder
	path    []string // of the value being read
	check   domainerr.Check
	broken  int
}

func newRun(d *Decoder, data []byte) *run {
	return &run{decoder: d, data: data, json: json.NewDecoder(bytes.NewReader(data))}
}

// document reads the one value of the body and makes sure that it is the only one.
func (r *run) document(v reflect.Value) error {
	if !utf8.Valid(r.data) {
		r.check.Require(false, body, "must be UTF-8")
		return r.check.Err()
	}
	if holdsNUL(r.data) {
		r.check.Require(false, body, "must not hold the character U+0000")
		return r.check.Err()
	}
	_, err := r.value(v, false)
	switch {
	case errors.Is(err, io.EOF):
		r.check.Require(false, body, "must not be empty")
	case err == nil:
		if _, err := r.json.Token(); !errors.Is(err, io.EOF) {
			r.check.Require(false, body, "must be one JSON value with nothing after it")
		}
	case !errors.Is(err, errEnough):
		r.check.Require(false, body, "is not JSON near byte "+strconv.FormatInt(r.json.InputOffset(), 10))
	}
	return r.check.Err()
}

// holdsNUL reports whether some text holds the character U+0000, which JSON can only write as an escape. Not every database
// can keep it, and what is in the ledger once must be fit for all of them.
func holdsNUL(data []byte) bool {
	escape := []byte(`\u0000`)
	for rest := data; ; {
		i := bytes.Index(rest, escape)
		if i < 0 {
			return false
		}
		before := rest[:i]
		backslashes := len(before) - len(bytes.TrimRight(before, `\`))
		if backslashes%2 == 0 { // or else it is a backslash, followed by the letters
			return true
		}
		rest = rest[i+len(escape):]
	}
}

// value reads the next value into v; there is false when it was null or was refused. The error says that the body is not
// JSON, or that enough is wrong with it.
func (r *run) value(v reflect.Value, optional bool) (there bool, err error) {
	if v.Kind() == reflect.Pointer {
		pointed := reflect.New(v.Type().Elem())
		if there, err = r.value(pointed.Elem(), true); there {
			v.Set(pointed)
		}
		return there, err
	}
	if decodesItself(v.Type()) {
		return r.scalar(v, optional)
	}
	switch v.Kind() {
	case reflect.Struct:
		return r.container(v, optional, '{', r.object)
	case reflect.Map:
		return r.container(v, optional, '{', r.mapping)
	case reflect.Slice:
		return r.container(v, optional, '[', r.list)
	default:
		return r.scalar(v, optional)
	}
}

func (r *run) scalar(v reflect.Value, optional bool) (bool, error) {
	pointer := reflect.New(reflect.PointerTo(v.Type())) // null is a nil pointer
	if err := r.json.Decode(pointer.Interface()); err != nil {
		return false, r.refuseValue(v.Type(), err)
	}
	if pointer.Elem().IsNil() {
		return false, r.absent(optional)
	}
	v.Set(pointer.Elem().Elem())
	return true, nil
}

func (r *run) refuseValue(t reflect.Type, err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return err
	}
	var invalid *domainerr.Invalid
	if errors.As(err, &invalid) && len(invalid.Fields) > 0 {
		return r.refuse(invalid.Fields[0].Message)
	}
	return r.refuse(rule(t))
}

func (r *run) absent(optional bool) error {
	if optional {
		return nil
	}
	return r.refuse("must not be null")
}

// container opens an object or a list, or refuses what is there instead.
func (r *run) container(v reflect.Value, optional bool, opening json.Delim, read func(reflect.Value) error) (bool, error) {
	token, err := r.json.Token()
	if err != nil {
		return false, err
	}
	if token == nil {
		return false, r.absent(optional)
	}
	if token == opening {
		if err := read(v); err != nil {
			return false, err
		}
		_, err := r.json.Token() // the closing delimiter
		return true, unfinished(err)
	}
	if _, opens := token.(json.Delim); opens {
		if err := r.skip(); err != nil {
			return false, err
		}
	}
	return false, r.refuse(rule(v.Type()))
}

// skip reads up to the end of the container that was just opened.
func (r *run) skip() error {
	for depth := 1; depth > 0; {
		token, err := r.json.Token()
		if err != nil {
			return unfinished(err)
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
	return nil
}

func (r *run) object(v reflect.Value) error {
	shape := r.decoder.shape(v.Type())
	seen := make([]bool, v.NumField())
	for r.json.More() {
		name, err := r.name()
		if err != nil {
			return err
		}
		m, known := shape.members[name]
		r.path = append(r.path, name)
		switch {
		case !known:
			err = r.ignore("is not known here")
		case seen[m.index]:
			err = r.ignore("is there twice")
		default:
			seen[m.index] = true
			_, err = r.value(v.Field(m.index), m.optional)
		}
		if err != nil {
			return unfinished(err)
		}
		r.path = r.path[:len(r.path)-1]
	}
	return r.missing(shape, seen)
}

func (r *run) missing(s *shape, seen []bool) error {
	for _, m := range s.required {
		if seen[m.index] {
			continue
		}
		r.path = append(r.path, m.name)
		if err := r.refuse("is missing"); err != nil {
			return err
		}
		r.path = r.path[:len(r.path)-1]
	}
	return nil
}

func (r *run) mapping(v reflect.Value) error {
	v.Set(reflect.MakeMap(v.Type()))
	for r.json.More() {
		name, err := r.name()
		if err != nil {
			return err
		}
		r.path = append(r.path, name)
		key, item := reflect.ValueOf(name), reflect.New(v.Type().Elem()).Elem()
		if v.MapIndex(key).IsValid() {
			err = r.ignore("is there twice")
		} else if _, err = r.value(item, false); err == nil {
			v.SetMapIndex(key, item)
		}
		if err != nil {
			return unfinished(err)
		}
		r.path = r.path[:len(r.path)-1]
	}
	return nil
}

func (r *run) list(v reflect.Value) error {
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	for i := 0; r.json.More(); i++ {
		r.path = append(r.path, "["+strconv.Itoa(i)+"]")
		item := reflect.New(v.Type().Elem()).Elem()
		if _, err := r.value(item, false); err != nil {
			return unfinished(err)
		}
		v.Set(reflect.Append(v, item))
		r.path = r.path[:len(r.path)-1]
	}
	return nil
}

func (r *run) name() (string, error) {
	token, err := r.json.Token()
	if err != nil {
		return "", unfinished(err)
	}
	return token.(string), nil // the names of members are strings, or Token fails
}

// ignore reads a value that has no place, and says why.
func (r *run) ignore(why string) error {
	var value json.RawMessage
	if err := r.json.Decode(&value); err != nil {
		return err
	}
	return r.refuse(why)
}

// refuse names the value being read as an offender.
func (r *run) refuse(why string) error {
	r.check.Require(false, r.where(), why)
	if r.broken++; r.broken >= maxFields {
		return errEnough
	}
	return nil
}

func (r *run) where() string {
	if len(r.path) == 0 {
		return body
	}
	path := strings.ReplaceAll(strings.Join(r.path, "."), ".[", "[")
	if len(path) > maxFieldName {
		path = strings.ToValidUTF8(path[:maxFieldName], "") + "…"
	}
	return path
}

// unfinished tells a body that ends too early from an empty one.
func unfinished(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
