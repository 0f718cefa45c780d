package commands_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/access"
)

// TestEveryCommandIsDeclared holds the fields of the areas, which are all that can be called, against the declarations.
func TestEveryCommandIsDeclared(t *testing.T) {
	t.Parallel()
	o := newFixture(t)
	all, err := o.Declared()
	require.NoError(t, err)
	declared := map[string]runtime.Declaration{}
	for _, d := range all {
		declared[d.Name] = d
	}
	commands := 0
	for _, area := range []any{*o.Catalog, *o.Licensing, *o.Activation} {
		fields := reflect.ValueOf(area)
		for i := range fields.NumField() {
			field := fields.Type().Field(i)
			if !field.IsExported() {
				continue
			}
			commands++
			require.Contains(t, declared, field.Name)
			require.False(t, fields.Field(i).IsNil(), "%s cannot be called", field.Name)
		}
	}
	require.Len(t, all, commands)
	for name, d := range declared {
		require.True(t, access.Admin.Has(d.Permission) || access.System.Has(d.Permission), "nobody may do %s", name)
	}
}
