package runtime

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/idempotency"
)

type greet struct{ Name string }

// declaring returns a runtime that counts in hashes and tells what it observes.
func declaring(t *testing.T) (r *Runtime, observed *[]error) {
	t.Helper()
	observed = new([]error)
	r, err := New(t.Context(), Config{
		Store: openSQLite(t), HashRequest: func(command []byte) string { return string(command) },
		Observe: func(_ context.Context, _ Declaration, err error, _ time.Duration) { *observed = append(*observed, err) },
	})
	require.NoError(t, err)
	return r, observed
}

func declaration(name string, idempotency Idempotency) Declaration {
	return Declaration{Name: name, Permission: access.LicenseIssue, Aggregate: "tally-", Idempotency: idempotency}
}

func admin(t *testing.T) context.Context {
	return access.With(t.Context(), access.Principal{Tenant: "acme", Role: access.Admin})
}

func TestACommandIsCarriedOutOnlyWithItsPermission(t *testing.T) {
	t.Parallel()
	r, observed := declaring(t)
	called := 0
	command := Declare(r, declaration("Greet", ByKey), func(context.Context, Request, greet) (string, error) {
		called++
		return "hello", nil
	})
	answer, err := command(admin(t), Request{}, greet{})
	require.NoError(t, err)
	require.Equal(t, "hello", answer)
	for name, ctx := range map[string]context.Context{
		"nobody":    t.Context(),
		"a machine": access.With(t.Context(), access.Principal{Tenant: "acme", Role: access.Machine}),
		"no role":   access.With(t.Context(), access.Principal{Tenant: "acme"}),
	} {
		_, err := command(ctx, Request{}, greet{})
		require.Error(t, err, name)
	}
	require.Equal(t, 1, called)
	require.Len(t, *observed, 4, "what is forbidden is observed too")
}

func TestTheFailureOfACommandIsObserved(t *testing.T) {
	t.Parallel()
	r, observed := declaring(t)
	broken := errors.New("broken")
	command := Declare(r, declaration("Greet", ByKey), func(context.Context, Request, greet) (string, error) { return "", broken })
	_, err := command(admin(t), Request{}, greet{})
	require.ErrorIs(t, err, broken)
	require.Equal(t, []error{broken}, *observed)
}

func TestWhatIdempotencyDoesWithAKey(t *testing.T) {
	t.Parallel()
	r, _ := declaring(t)
	recognised := Request{IdempotencyKey: "k", commandID: "idempotency key\x00operator\x00k",
		hash: "commands.Greet\x00" + `{"Name":"Ada"}`}
	claimed := recognised
	recognised.opens = true
	claimed.claim = &keyClaim{
		id: idempotency.ClaimID("acme", recognised.commandID), command: "Greet", commandID: recognised.commandID, hash: recognised.hash,
	}
	for way, expected := range map[Idempotency]Request{
		ByKey:    claimed,
		ByID:     recognised,
		ByNature: {},
		ByPart:   claimed,
	} {
		command := Declare(r, declaration("Greet", way),
			func(_ context.Context, req Request, _ greet) (Request, error) { return req, nil })
		req, err := command(admin(t), Request{IdempotencyKey: "k"}, greet{Name: "Ada"})
		require.NoError(t, err)
		require.Equal(t, expected, req)
	}
}

func TestADeclarationIsCompleteAndItsNameIsItsOwn(t *testing.T) {
	t.Parallel()
	handle := func(context.Context, Request, greet) (string, error) { return "", nil }
	for name, broken := range map[string]Declaration{
		"no name":        {Permission: access.LicenseIssue, Aggregate: "tally-", Idempotency: ByKey},
		"no permission":  {Name: "Greet", Aggregate: "tally-", Idempotency: ByKey},
		"no aggregate":   {Name: "Greet", Permission: access.LicenseIssue, Idempotency: ByKey},
		"no idempotency": {Name: "Greet", Permission: access.LicenseIssue, Aggregate: "tally-"},
	} {
		r, _ := declaring(t)
		Declare(r, broken, handle)
		_, err := r.Declared()
		require.ErrorContains(t, err, "incomplete", name)
	}
	r, _ := declaring(t)
	Declare(r, declaration("Greet", ByKey), handle)
	_, err := r.Declared()
	require.NoError(t, err)
	Declare(r, declaration("Greet", ByNature), handle)
	_, err = r.Declared()
	require.ErrorContains(t, err, "Greet")
}
