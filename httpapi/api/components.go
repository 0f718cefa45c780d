package api

import (
	"encoding/json"
	"errors"
)

// StringOrList is one text or a list of texts, as a client finds natural; it is a list from there on.
type StringOrList []string

var errNotStringOrList = errors.New("must be a string or a list of strings")

// UnmarshalJSON implements [json.Unmarshaler].
func (s *StringOrList) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*s = StringOrList{one}
		return nil
	}
	var list []string
	if json.Unmarshal(data, &list) != nil {
		return errNotStringOrList
	}
	*s = list
	return nil
}
