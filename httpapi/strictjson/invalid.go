package strictjson

import (
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"

	"github.com/licenseledger/licenseledger/domain/domainerr"
)

const (
	maxFields    = 20  // invalid fields that are named; a body may have thousands
	maxFieldName = 100 // bytes of a field's path that are repeated to the client
	body         = "body"
)

// errTooManyInvalid ends the decoding of a body with [maxFields] invalid fields.
var errTooManyInvalid = errors.New("too many invalid fields")

// invalidValue records a value that could not be decoded. It returns the error if the body is not JSON.
func (s *decodeState) invalidValue(t reflect.Type, err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return err
	}
	var invalid *domainerr.Invalid
	if errors.As(err, &invalid) && len(invalid.Fields) > 0 {
		return s.addInvalid(invalid.Fields[0].Message)
	}
	return s.addInvalid(rule(t))
}

func (s *decodeState) null(optional bool) error {
	if optional {
		return nil
	}
	return s.addInvalid("must not be null")
}

// skipInvalid reads a value that is not decoded, and records why it is invalid.
func (s *decodeState) skipInvalid(why string) error {
	var value json.RawMessage
	if err := s.json.Decode(&value); err != nil {
		return err
	}
	return s.addInvalid(why)
}

// addInvalid records that the current value is invalid, and why.
func (s *decodeState) addInvalid(why string) error {
	s.check.Require(false, s.currentPath(), why)
	if s.invalid++; s.invalid >= maxFields {
		return errTooManyInvalid
	}
	return nil
}

func (s *decodeState) currentPath() string {
	if len(s.path) == 0 {
		return body
	}
	path := strings.ReplaceAll(strings.Join(s.path, "."), ".[", "[")
	if len(path) > maxFieldName {
		path = strings.ToValidUTF8(path[:maxFieldName], "") + "…"
	}
	return path
}

// unexpectedEOF replaces [io.EOF] within a value by [io.ErrUnexpectedEOF], since only the former means an empty body.
func unexpectedEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
