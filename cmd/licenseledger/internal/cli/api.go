package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/adminkey"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/client"
)

// requestTimeout bounds how long a request to a server may take.
const requestTimeout = 30 * time.Second

// newClient returns a client of the server at an address such as http://127.0.0.1:8080. An empty key is not sent: machines have none.
func newClient(address, key string) (*client.Client, error) {
	return client.NewClient(address, client.WithHTTPClient(&http.Client{Timeout: requestTimeout}),
		client.WithRequestEditorFn(func(_ context.Context, request *http.Request) error {
			request.Header.Set("Accept", "application/json")
			if key != "" {
				request.Header.Set("Authorization", "Bearer "+key)
			}
			return nil
		}))
}

// serverFlag gives a command the flag --server.
func serverFlag(command *cobra.Command, server *string) {
	command.Flags().StringVar(server, "server", "", "address of a running server, such as http://127.0.0.1:8080")
}

// newAdminClient returns a client with the configured admin key. An empty address stands for the configured server.
func newAdminClient(c config.Config, address string) (*client.Client, error) {
	key, err := adminkey.Load(c.AdminKey, c.AdminKeyFile())
	if err != nil {
		return nil, err
	}
	return newClient(cmp.Or(address, config.LocalURL(c.Listen)), key)
}

// waitFor makes the answer of a query include the ledger up to a position.
func waitFor(position uint64) client.RequestEditorFn {
	return func(_ context.Context, request *http.Request) error {
		if position > 0 {
			request.Header.Set("Ledger-Position", strconv.FormatUint(position, 10))
		}
		return nil
	}
}

// maxAnswer bounds how much of an answer is read, in bytes.
const maxAnswer = 16 << 20

// answer decodes what a server answered. A problem is returned as a [refusal].
func answer[T any](response *http.Response, err error) (value T, header http.Header, _ error) {
	if err != nil {
		return value, nil, hint.New(fmt.Errorf("reach the server: %w", err), "is it running? start one with: licenseledger serve")
	}
	request := response.Request.Method + " " + response.Request.URL.Path
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return value, nil, fmt.Errorf("read the answer to %s: %w", request, err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		return value, nil, problemError(request, response.StatusCode, text)
	}
	if err := json.Unmarshal(text, &value); err != nil {
		return value, nil, fmt.Errorf("read the answer to %s: %w", request, err)
	}
	return value, response.Header, nil
}

func problemError(request string, status int, text []byte) error {
	var p api.Problem
	if err := json.Unmarshal(text, &p); err != nil || p.Code == "" {
		return fmt.Errorf("%s: the server answered with status %d", request, status)
	}
	detail := p.Title
	if p.Detail != nil {
		detail = *p.Detail
	}
	return hint.New(&refusal{code: p.Code, text: fmt.Sprintf("%s: %s (%s)", request, detail, p.Code)}, p.Hint)
}

// refusal says that the server did not carry out a request.
type refusal struct {
	code api.ProblemCode
	text string
}

func (r *refusal) Error() string { return r.text }
