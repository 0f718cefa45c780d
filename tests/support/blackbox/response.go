package blackbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/httpapi/api"
)

// Response is an answer that keeps to the contract.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	t      testing.TB // nil for answers to [Client.Try]
}

// Into requires an answer of a status and decodes it; members that T does not know are an error.
func Into[T any](r Response, status int) T {
	r.t.Helper()
	require.Equal(r.t, status, r.Status, "%s", r.Body)
	var into T
	require.NoError(r.t, decodeStrictly(r.Body, &into))
	return into
}

// OK requires status 200 and decodes.
func OK[T any](r Response) T {
	r.t.Helper()
	return Into[T](r, http.StatusOK)
}

// Created requires status 201 and decodes.
func Created[T any](r Response) T {
	r.t.Helper()
	return Into[T](r, http.StatusCreated)
}

// Refused requires a problem with a code.
func (r Response) Refused(code api.ProblemCode) api.Problem {
	r.t.Helper()
	require.GreaterOrEqual(r.t, r.Status, http.StatusBadRequest, "%s was expected, but: %s", code, r.Body)
	var p api.Problem
	require.NoError(r.t, decodeStrictly(r.Body, &p))
	require.Equal(r.t, code, p.Code, "%s", r.Body)
	return p
}

// Invalid requires a refusal that names exactly these fields.
func (r Response) Invalid(fields ...string) {
	r.t.Helper()
	var named []string
	for _, e := range r.Refused("INVALID_REQUEST").Errors {
		named = append(named, e.Field)
	}
	require.ElementsMatch(r.t, fields, named, "%s", r.Body)
}

// Position is the position of the ledger up to which it holds what the command did.
func (r Response) Position() uint64 {
	r.t.Helper()
	position, err := strconv.ParseUint(r.Header.Get("Ledger-Position"), 10, 64)
	require.NoError(r.t, err, "Ledger-Position")
	return position
}

// ETag is the revision of what was changed or shown.
func (r Response) ETag() string { return r.Header.Get("ETag") }

// Replayed reports whether the command was done before.
func (r Response) Replayed() bool { return r.Header.Get("Idempotency-Replayed") == "true" }

func decodeStrictly(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return fmt.Errorf("decode the answer: %w: %.2000s", err, text)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("the answer has trailing data: %.2000s", text)
	}
	return nil
}
