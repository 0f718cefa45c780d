package store

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzCursor feeds text to the decoder of cursors, which clients send back: what it accepts is exactly what it would have handed out.
func FuzzCursor(f *testing.F) {
	const order = "licenses issued_at DESC"
	f.Add(Cursor{Order: order, Key: "17", Row: 3}.String())
	f.Add(Cursor{Order: "plans", Key: "\x00", Row: -1}.String())
	f.Add(Cursor{Order: order, Filter: "others"}.String())
	f.Add("e30")
	f.Add("=")
	f.Fuzz(func(t *testing.T, text string) {
		limit, from, err := (&DB{}).Start(Paging{Cursor: text}, "of", order)
		switch {
		case err != nil:
			require.True(t, errors.Is(err, ErrBadCursor) || errors.Is(err, ErrOtherEpoch))
		case text == "":
			require.Nil(t, from)
		default:
			require.Equal(t, text, from.String())
			require.Equal(t, order, from.Order)
			require.Contains(t, []string{"", "of"}, from.Filter)
			require.Equal(t, DefaultLimit, limit)
		}
	})
}
