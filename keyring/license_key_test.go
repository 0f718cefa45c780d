package keyring_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/keyring"
)

func TestALicenseKeySaysWhatItWasMadeOf(t *testing.T) {
	t.Parallel()
	k := newRing(t, sqlite, 1)
	keys := []keyring.LicenseKey{
		{}, {Serial: math.MaxUint64, Generation: math.MaxUint8}, {Serial: 1}, {Generation: 1},
		{Serial: 1 << 63}, {Serial: 0x5555555555555555, Generation: 0xaa}, {Serial: 0xaaaaaaaaaaaaaaaa, Generation: 0x55},
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 1_000 {
		keys = append(keys, keyring.LicenseKey{Serial: random.Uint64(), Generation: uint8(random.Uint32())})
	}
	for _, key := range keys {
		text := k.FormatLicenseKey(key)
		require.Regexp(t, `^([0-9A-HJKMNP-TV-Z]{5}-){4}[0-9A-HJKMNP-TV-Z]{5}$`, text)
		parsed, err := k.ParseLicenseKey(t.Context(), text)
		require.NoError(t, err)
		require.Equal(t, key, parsed)
	}
}

func TestTheFormatOfLicenseKeysIsPinned(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		k := newRing(t, e, 1)
		var lines strings.Builder
		for _, key := range []keyring.LicenseKey{{}, {Serial: 1}, {Serial: 1, Generation: 1}, {Serial: 0x0123456789abcdef, Generation: 7},
			{Serial: math.MaxUint64, Generation: math.MaxUint8}} {
			fmt.Fprintf(&lines, "%016x %3d %s %s\n", key.Serial, key.Generation, k.FormatLicenseKey(key), keyring.LicenseID(key.Serial))
		}
		fmt.Fprintf(&lines, "%016x serial for an idempotency key\n", k.SerialFor("default", "order-1"))
		golden(t, "license_keys.golden", []byte(lines.String()))
	})
}

func TestALicenseKeyMayBeTypedInManyWays(t *testing.T) {
	t.Parallel()
	k := newRing(t, sqlite, 1)
	want := keyring.LicenseKey{Serial: 0x0842108421084210, Generation: 3} // many zeros and ones
	text := k.FormatLicenseKey(want)
	require.Contains(t, text, "0")
	require.Contains(t, text, "1")
	for _, typed := range []string{
		strings.ToLower(text),
		strings.ReplaceAll(text, "-", ""),
		strings.ReplaceAll(text, "-", " "),
		"  " + strings.ReplaceAll(text, "-", " - ") + " ",
		strings.ReplaceAll(text, "0", "O"),
		strings.ReplaceAll(text, "0", "o"),
		strings.ReplaceAll(text, "1", "I"),
		strings.ReplaceAll(text, "1", "l"),
		text + "\r\n", "\t" + text, "\ufeff" + text, `"` + text + `"`, "'" + text + "'", "`" + text + "`", "“" + text + "”", "«" + text + "»",
		strings.ReplaceAll(text, "-", "\u2011"), // non-breaking hyphen
		strings.ReplaceAll(text, "-", "–"), strings.ReplaceAll(text, "-", "—"), strings.ReplaceAll(text, "-", "−"),
		strings.ReplaceAll(text, "-", "\u00a0"), strings.ReplaceAll(text, "-", "\u3000"), strings.ReplaceAll(text, "-", "\u202f"),
		strings.ReplaceAll(text, "-", "\u200b-"), strings.ReplaceAll(text, "-", "-\u00ad"), strings.ReplaceAll(text, "-", "-\n"),
		strings.Map(func(r rune) rune { return r - '!' + '！' }, text), // full width
	} {
		parsed, err := k.ParseLicenseKey(t.Context(), typed)
		require.NoError(t, err, typed)
		require.Equal(t, want, parsed)
	}
}

func TestEveryLicenseKeyWithOneWrongCharacterIsRefused(t *testing.T) {
	t.Parallel()
	k := newRing(t, sqlite, 1)
	for _, key := range []keyring.LicenseKey{{Serial: 0x0123456789abcdef, Generation: 7}, {}, {Serial: math.MaxUint64, Generation: 255}} {
		text := k.FormatLicenseKey(key)
		tried := 0
		for i := range len(text) {
			for c := byte(0x20); c < 0x7f; c++ {
				typed := text[:i] + string(c) + text[i+1:]
				if canonical(typed) == canonical(text) {
					continue // the same key in another spelling
				}
				_, err := k.ParseLicenseKey(t.Context(), typed)
				require.ErrorIs(t, err, keyring.ErrLicenseKeyInvalid, typed)
				tried++
			}
		}
		require.Greater(t, tried, 25*31)
	}
}

func TestSwappedNeighboursAreRefused(t *testing.T) {
	t.Parallel()
	k := newRing(t, sqlite, 1)
	text := strings.ReplaceAll(k.FormatLicenseKey(keyring.LicenseKey{Serial: 0x0123456789abcdef, Generation: 7}), "-", "")
	for i := range len(text) - 1 {
		if text[i] == text[i+1] {
			continue
		}
		_, err := k.ParseLicenseKey(t.Context(), text[:i]+text[i+1:i+2]+text[i:i+1]+text[i+2:])
		require.ErrorIs(t, err, keyring.ErrLicenseKeyInvalid)
	}
}

func TestWhatIsNotALicenseKeyIsRefused(t *testing.T) {
	t.Parallel()
	k := newRing(t, sqlite, 1)
	good := k.FormatLicenseKey(keyring.LicenseKey{Serial: 5})
	for _, typed := range []string{
		"", "-", good[:len(good)-1], good + "0", "0" + good, good + good,
		strings.Repeat(" ", 228) + good, // one byte too long
		strings.Repeat("0", 25), strings.Repeat("Z", 25), strings.Repeat("é", 25), good[1:] + "\xff",
		strings.ReplaceAll(good, "-", "."), strings.ReplaceAll(good, "-", "/"),
		"\x00" + good[1:], "U" + good[1:],
	} {
		parsed, err := k.ParseLicenseKey(t.Context(), typed)
		require.ErrorIs(t, err, keyring.ErrLicenseKeyInvalid, "%q", typed)
		require.Zero(t, parsed)
	}
	_, err := k.ParseLicenseKey(t.Context(), strings.Repeat(" ", 227)+good)
	require.NoError(t, err)
}

func TestTheRefusalOfALicenseKeyHelpsAndDoesNotRepeatTheKey(t *testing.T) {
	t.Parallel()
	k := newRing(t, sqlite, 1)
	_, err := k.ParseLicenseKey(t.Context(), "ABCDE-FGHJK-MNPQR-STVWX-YZ012")
	var refused *domainerr.Error
	require.ErrorAs(t, err, &refused)
	require.Equal(t, "LICENSE_KEY_INVALID", refused.Code)
	require.NotEmpty(t, refused.Hint)
	require.NotContains(t, fmt.Sprintf("%+v %s", err, refused.Hint), "ABCDE")
}

func TestALicenseKeyOfAnotherRingIsRefused(t *testing.T) {
	t.Parallel()
	ours, theirs := newRing(t, sqlite, 1), newRing(t, sqlite, 2)
	_, err := ours.ParseLicenseKey(t.Context(), theirs.FormatLicenseKey(keyring.LicenseKey{Serial: 5}))
	require.ErrorIs(t, err, keyring.ErrLicenseKeyInvalid)
}

func TestLicenseKeysOutliveTheSecretTheyWereMadeUnder(t *testing.T) {
	onEachEngine(t, func(t *testing.T, e engine) {
		k := newRing(t, e, 1)
		key := keyring.LicenseKey{Serial: 5, Generation: 2}
		handedOut := []string{k.FormatLicenseKey(key)}
		for range 2 {
			require.NoError(t, k.RotateLicenseKeySecret(t.Context()))
			handedOut = append(handedOut, k.FormatLicenseKey(key))
		}
		require.NotEqual(t, handedOut[0], handedOut[1])
		require.NotEqual(t, handedOut[1], handedOut[2])

		again := k.reopened(t)
		require.Equal(t, handedOut[2], again.FormatLicenseKey(key))
		for _, text := range handedOut {
			for _, r := range []ring{k, again} {
				parsed, err := r.ParseLicenseKey(t.Context(), text)
				require.NoError(t, err)
				require.Equal(t, key, parsed)
			}
		}
	})
}

func TestALicenseIDIsAVersion8UUIDOfItsSerialAlone(t *testing.T) {
	t.Parallel()
	seen := map[uuid.UUID]bool{}
	for serial := range uint64(1_000) {
		id := keyring.LicenseID(serial)
		require.Equal(t, uuid.Version(8), id.Version())
		require.Equal(t, uuid.RFC4122, id.Variant())
		require.Equal(t, id, keyring.LicenseID(serial))
		require.False(t, seen[id])
		seen[id] = true
	}
}

func TestTheSerialOfAnIdempotencyKeyIsAlwaysTheSame(t *testing.T) {
	t.Parallel()
	k := newRing(t, sqlite, 1)
	require.Equal(t, k.SerialFor("default", "order-1"), k.SerialFor("default", "order-1"))
	require.NotEqual(t, k.SerialFor("default", "order-1"), k.SerialFor("default", "order-2"))
	require.NotEqual(t, k.SerialFor("a", "order-1"), k.SerialFor("b", "order-1"))
	require.NotEqual(t, k.SerialFor("ab", "c"), k.SerialFor("a", "bc"), "where the tenant ends matters")
	require.NotEqual(t, k.SerialFor("default", "order-1"), newRing(t, sqlite, 2).SerialFor("default", "order-1"),
		"another ring has other serials")
}

func TestNewSerialsAreRandom(t *testing.T) {
	t.Parallel()
	k := newRing(t, sqlite, 1)
	a, err := k.NewSerial()
	require.NoError(t, err)
	b, err := k.NewSerial()
	require.NoError(t, err)
	require.NotEqual(t, a, b)

	dry, err := keyring.Open(t.Context(), config(t, k.db, &failing{}))
	require.NoError(t, err)
	_, err = dry.NewSerial()
	require.ErrorIs(t, err, errDry)
}

// canonical spells a typed key the one way in which keys are formatted, without dashes.
func canonical(typed string) string {
	return strings.NewReplacer("-", "", " ", "", `"`, "", "'", "", "`", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(typed))
}

func FuzzParseLicenseKey(f *testing.F) {
	k := newRing(f, sqlite, 1)
	f.Add("")
	f.Add(strings.Repeat("0", 25))
	f.Add(k.FormatLicenseKey(keyring.LicenseKey{Serial: 1, Generation: 1}))
	f.Add(strings.ToLower(k.FormatLicenseKey(keyring.LicenseKey{Serial: math.MaxUint64, Generation: 255})))
	f.Fuzz(func(t *testing.T, typed string) {
		key, err := k.ParseLicenseKey(t.Context(), typed)
		if err != nil {
			require.ErrorIs(t, err, keyring.ErrLicenseKeyInvalid)
			require.Zero(t, key)
			return
		}
		digits := strings.Map(func(r rune) rune {
			if r >= '！' && r <= '～' {
				r -= '！' - '!'
			}
			if r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) {
				return -1
			}
			return r
		}, typed)
		require.Equal(t, canonical(k.FormatLicenseKey(key)), canonical(digits))
	})
}
