package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/licenseledger/licenseledger/domain/domainerr"
)

// decodeState is the state of decoding one body.
type decodeState struct {
	decoder *Decoder
	data    []byte
	json    *json.Decoder
	path    []string // of the value being read
	check   domainerr.Check
	invalid int // how many fields are
}

func newDecodeState(d *Decoder, data []byte) *decodeState {
	return &decodeState{decoder: d, data: data, json: json.NewDecoder(bytes.NewReader(data))}
}

// decodeDocument decodes the value of the body, which must be the only one.
func (s *decodeState) decodeDocument(v reflect.Value) error {
	if !utf8.Valid(s.data) {
		s.check.Require(false, body, "must be UTF-8")
		return s.check.Err()
	}
	if rule := checkEscapes(s.data); rule != "" {
		s.check.Require(false, body, rule)
		return s.check.Err()
	}
	_, err := s.value(v, false)
	switch {
	case errors.Is(err, io.EOF):
		s.check.Require(false, body, "must not be empty")
	case err == nil:
		if _, err := s.json.Token(); !errors.Is(err, io.EOF) {
			s.check.Require(false, body, "must be one JSON value with nothing after it")
		}
	case !errors.Is(err, errTooManyInvalid):
		s.check.Require(false, body, "is not JSON near byte "+strconv.FormatInt(s.json.InputOffset(), 10))
	}
	return s.check.Err()
}

// value decodes the next value into v. set is false if the value was null or invalid. The error says that the body is not JSON, or is
// [errTooManyInvalid].
func (s *decodeState) value(v reflect.Value, optional bool) (set bool, err error) {
	if v.Kind() == reflect.Pointer {
		pointed := reflect.New(v.Type().Elem())
		if set, err = s.value(pointed.Elem(), true); set {
			v.Set(pointed)
		}
		return set, err
	}
	if unmarshalsItself(v.Type()) {
		return s.scalar(v, optional)
	}
	switch v.Kind() {
	case reflect.Struct:
		return s.container(v, optional, '{', s.object)
	case reflect.Map:
		return s.container(v, optional, '{', s.mapping)
	case reflect.Slice:
		return s.container(v, optional, '[', s.list)
	default:
		return s.scalar(v, optional)
	}
}

func (s *decodeState) scalar(v reflect.Value, optional bool) (bool, error) {
	isTime := v.Type() == reflect.TypeFor[time.Time]()
	if isTime || holdsNumber(v.Type()) {
		return s.exact(v, optional, isTime)
	}
	pointer := reflect.New(reflect.PointerTo(v.Type())) // null is a nil pointer
	if err := s.json.Decode(pointer.Interface()); err != nil {
		return false, s.invalidValue(v.Type(), err)
	}
	if pointer.Elem().IsNil() {
		return false, s.null(optional)
	}
	v.Set(pointer.Elem().Elem())
	return true, nil
}

// exact decodes a time or a number that encoding/json would read with another value, or in another form than documented.
func (s *decodeState) exact(v reflect.Value, optional, isTime bool) (bool, error) {
	var raw json.RawMessage
	if err := s.json.Decode(&raw); err != nil {
		return false, err
	}
	if string(raw) == "null" {
		return false, s.null(optional)
	}
	if isTime {
		at, err := parseTime(raw)
		if err != nil {
			return false, s.addInvalid(rule(v.Type()))
		}
		v.Set(reflect.ValueOf(at))
		return true, nil
	}
	if isInexact(raw) {
		return false, s.addInvalid(numberRule)
	}
	if err := json.Unmarshal(raw, v.Addr().Interface()); err != nil {
		return false, s.addInvalid(rule(v.Type()))
	}
	return true, nil
}

// container decodes an object or a list. Any other value is invalid.
func (s *decodeState) container(v reflect.Value, optional bool, opening json.Delim, read func(reflect.Value) error) (bool, error) {
	token, err := s.json.Token()
	if err != nil {
		return false, err
	}
	if token == nil {
		return false, s.null(optional)
	}
	if token == opening {
		if err := read(v); err != nil {
			return false, err
		}
		_, err := s.json.Token() // the closing delimiter
		return true, unexpectedEOF(err)
	}
	if _, opens := token.(json.Delim); opens {
		if err := s.skip(); err != nil {
			return false, err
		}
	}
	return false, s.addInvalid(rule(v.Type()))
}

// skip reads to the end of the container that was just opened.
func (s *decodeState) skip() error {
	for depth := 1; depth > 0; {
		token, err := s.json.Token()
		if err != nil {
			return unexpectedEOF(err)
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

func (s *decodeState) object(v reflect.Value) error {
	info := s.decoder.structInfo(v.Type())
	seen := make([]bool, v.NumField())
	for s.json.More() {
		name, err := s.name()
		if err != nil {
			return err
		}
		f, known := info.fields[name]
		s.path = append(s.path, name)
		switch {
		case !known:
			err = s.skipInvalid("is not known here")
		case seen[f.index]:
			err = s.skipInvalid("is there twice")
		default:
			seen[f.index] = true
			_, err = s.value(v.Field(f.index), f.optional)
		}
		if err != nil {
			return unexpectedEOF(err)
		}
		s.path = s.path[:len(s.path)-1]
	}
	return s.checkRequired(info, seen)
}

func (s *decodeState) checkRequired(info *structInfo, seen []bool) error {
	for _, f := range info.required {
		if seen[f.index] {
			continue
		}
		s.path = append(s.path, f.name)
		if err := s.addInvalid("is missing"); err != nil {
			return err
		}
		s.path = s.path[:len(s.path)-1]
	}
	return nil
}

func (s *decodeState) mapping(v reflect.Value) error {
	v.Set(reflect.MakeMap(v.Type()))
	for s.json.More() {
		name, err := s.name()
		if err != nil {
			return err
		}
		s.path = append(s.path, name)
		key, item := reflect.ValueOf(name), reflect.New(v.Type().Elem()).Elem()
		if v.MapIndex(key).IsValid() {
			err = s.skipInvalid("is there twice")
		} else if _, err = s.value(item, false); err == nil {
			v.SetMapIndex(key, item)
		}
		if err != nil {
			return unexpectedEOF(err)
		}
		s.path = s.path[:len(s.path)-1]
	}
	return nil
}

func (s *decodeState) list(v reflect.Value) error {
	v.Set(reflect.MakeSlice(v.Type(), 0, 0))
	for i := 0; s.json.More(); i++ {
		s.path = append(s.path, "["+strconv.Itoa(i)+"]")
		item := reflect.New(v.Type().Elem()).Elem()
		if _, err := s.value(item, false); err != nil {
			return unexpectedEOF(err)
		}
		v.Set(reflect.Append(v, item))
		s.path = s.path[:len(s.path)-1]
	}
	return nil
}

func (s *decodeState) name() (string, error) {
	token, err := s.json.Token()
	if err != nil {
		return "", unexpectedEOF(err)
	}
	return token.(string), nil // Token fails if a name is not a string
}
