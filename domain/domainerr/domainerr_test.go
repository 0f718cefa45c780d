package domainerr_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/domainerr"
)

var errFull = domainerr.New("SEAT_LIMIT_REACHED", "every seat is taken", "release a machine")

func TestRefusalsAreTheSameWhenTheirCodesAre(t *testing.T) {
	t.Parallel()
	require.ErrorIs(t, domainerr.New("SEAT_LIMIT_REACHED", "otherwise", "other"), errFull)
	require.ErrorIs(t, fmt.Errorf("activate: %w", errFull), errFull)
	require.NotErrorIs(t, domainerr.New("LICENSE_EXPIRED", "every seat is taken", "release a machine"), errFull)
	require.NotErrorIs(t, errFull, errors.New("every seat is taken"))
}

func TestARefusalFitsTheCaseAtHand(t *testing.T) {
	t.Parallel()
	because := errFull.WithMessage("all %d seats are taken", 3)
	require.ErrorIs(t, because, errFull)
	require.EqualError(t, because, "all 3 seats are taken")
	require.Equal(t, "release a machine", because.Hint)
	require.EqualError(t, errFull, "every seat is taken", "the declared refusal is left as it is")
}

func TestACheckThatFindsNothingIsNoError(t *testing.T) {
	t.Parallel()
	var check domainerr.Check
	check.Require(true, "name", "must be there")
	check.Nested("customer", nil)
	require.NoError(t, check.Err())
}

func TestACheckNamesEveryBrokenRuleInOrder(t *testing.T) {
	t.Parallel()
	var check domainerr.Check
	check.Require(false, "name", "must be there")
	check.Require(true, "email", "must be an address")
	check.Require(false, "age", "must be a number")
	var invalid *domainerr.Invalid
	require.ErrorAs(t, check.Err(), &invalid)
	require.Equal(t, []domainerr.Field{{"name", "must be there"}, {"age", "must be a number"}}, invalid.Fields)
	require.EqualError(t, invalid, "invalid request: name must be there; age must be a number")
}

func TestFieldsOfANestedValueStandUnderItsName(t *testing.T) {
	t.Parallel()
	nested := &domainerr.Invalid{Fields: []domainerr.Field{{"email", "must be an address"}, {"", "must not be empty"}}}
	tests := map[string]struct {
		prefix   string
		err      error
		expected []domainerr.Field
	}{
		"under a name":  {"customer", nested, []domainerr.Field{{"customer.email", "must be an address"}, {"customer", "must not be empty"}}},
		"under no name": {"", nested, []domainerr.Field{{"email", "must be an address"}, {"", "must not be empty"}}},
		"a wrapped one": {"customer", fmt.Errorf("check: %w", nested),
			[]domainerr.Field{{"customer.email", "must be an address"}, {"customer", "must not be empty"}}},
		"any other error": {"customer", errors.New("does not parse"), []domainerr.Field{{"customer", "does not parse"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var check domainerr.Check
			check.Nested(test.prefix, test.err)
			var invalid *domainerr.Invalid
			require.ErrorAs(t, check.Err(), &invalid)
			require.Equal(t, test.expected, invalid.Fields)
		})
	}
}

func TestARuleAboutTheWholeRequestHasNoName(t *testing.T) {
	t.Parallel()
	require.EqualError(t, &domainerr.Invalid{Fields: []domainerr.Field{{"", "must hold something"}, {"name", "must be there"}}},
		"invalid request: must hold something; name must be there")
}
