package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
	"github.com/licenseledger/licenseledger/httpapi/api"
)

// apiClient speaks to a running server.
type apiClient struct {
	server string // such as http://127.0.0.1:8080
	key    string // admin API key; empty for what machines may ask
	after  uint64 // answers show at least this position of the ledger
}

// waiting returns a client whose answers show at least a position of the ledger.
func (c apiClient) waiting(position uint64) apiClient {
	c.after = position
	return c
}

// maxAnswer bounds what the client reads of an answer, in bytes.
const maxAnswer = 16 << 20

// call sends a request and decodes the answer into answer, unless that is nil. A problem is returned as an error that tells
// its code and hint.
func (c apiClient) call(ctx context.Context, method, path string, body, answer any) (http.Header, error) {
	var content io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.server, "/")+path, content)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if c.key != "" {
		request.Header.Set("Authorization", "Bearer "+c.key)
	}
	if c.after > 0 {
		request.Header.Set("Ledger-Position", strconv.FormatUint(c.after, 10))
	}
	client := http.Client{Timeout: 30 * time.Second}
	response, err := client.Do(request)
	if err != nil {
		return nil, hint.New(fmt.Errorf("reach the server: %w", err), "is it running? start one with: licenseledger serve")
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, fmt.Errorf("read the answer to %s %s: %w", method, path, err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		return nil, problemError(method, path, response.StatusCode, text)
	}
	if answer == nil {
		return response.Header, nil
	}
	if err := json.Unmarshal(text, answer); err != nil {
		return nil, fmt.Errorf("read the answer to %s %s: %w", method, path, err)
	}
	return response.Header, nil
}

func problemError(method, path string, status int, text []byte) error {
	var p api.Problem
	if err := json.Unmarshal(text, &p); err != nil || p.Code == "" {
		return fmt.Errorf("%s %s: the server answered with status %d", method, path, status)
	}
	detail := p.Title
	if p.Detail != nil {
		detail = *p.Detail
	}
	return hint.New(&problem{code: p.Code, text: fmt.Sprintf("%s %s: %s (%s)", method, path, detail, p.Code)}, p.Hint)
}

// problem is a request that the server did not carry out.
type problem struct {
	code api.ProblemCode
	text string
}

func (p *problem) Error() string { return p.text }
