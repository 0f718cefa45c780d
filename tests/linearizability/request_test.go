package linearizability_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

type object = map[string]any

// request is what is sent, as often as it takes.
type request struct {
	path  string
	body  object
	key   string // its Idempotency-Key
	admin bool
}

// received is an answer on the wire.
type received struct {
	status   int
	body     []byte
	replayed bool
}

// send sends a request once. The error says that no answer came.
func (c *cluster) send(ctx context.Context, to *instance, r request) (received, error) {
	text, err := json.Marshal(r.body)
	if err != nil {
		return received{}, err
	}
	// Given a body that can be read only once, the transport does not repeat the request by itself, behind the recorder's back.
	sent, err := http.NewRequestWithContext(ctx, http.MethodPost, to.running.Load().URL()+r.path, io.NopCloser(bytes.NewReader(text)))
	if err != nil {
		return received{}, err
	}
	sent.ContentLength = int64(len(text))
	sent.Header.Set("Content-Type", "application/json")
	sent.Header.Set("Idempotency-Key", r.key)
	if r.admin {
		sent.Header.Set("Authorization", "Bearer "+c.adminKey)
	}
	response, err := c.client.Do(sent)
	if err != nil {
		return received{}, err
	}
	body, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return received{}, err
	}
	return received{status: response.StatusCode, body: body, replayed: response.Header.Get("Idempotency-Replayed") == "true"}, nil
}

// decoded reads an answer; the contract is checked elsewhere.
func decoded[T any](text []byte) T {
	var into T
	if err := json.Unmarshal(text, &into); err != nil {
		panic(fmt.Sprintf("%v: %s", err, text))
	}
	return into
}
