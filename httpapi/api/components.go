package api

import (
	"encoding/json"

	"github.com/licenseledger/licenseledger/domain/domainerr"
)

// Value returns the value of an optional member or parameter, and the zero value when it is absent.
func Value[T any](optional *T) T {
	if optional == nil {
		var zero T
		return zero
	}
	return *optional
}

// StringOrList is a list of strings, which a client may also send as a single string.
type StringOrList []string

// UnmarshalJSON implements [json.Unmarshaler]. The error is a [domainerr.Invalid].
func (s *StringOrList) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*s = StringOrList{one}
		return nil
	}
	var list []string
	if json.Unmarshal(data, &list) != nil {
		return &domainerr.Invalid{Fields: []domainerr.Field{{Message: "must be a string or a list of strings"}}}
	}
	*s = list
	return nil
}
