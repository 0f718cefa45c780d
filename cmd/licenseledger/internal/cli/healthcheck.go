package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
	"github.com/licenseledger/licenseledger/httpapi/api"
)

// healthcheckTimeout bounds how long a server may take to say whether it is ready.
const healthcheckTimeout = 5 * time.Second

func newHealthcheckCommand() *cobra.Command {
	var server string
	command := &cobra.Command{
		Use:   "healthcheck",
		Short: "Ask a running server whether it is ready, for containers",
		Long: "Ask the server at --server, or else the one at the setting listen, whether it is ready. Exits with 0 if it is, degraded or\n" +
			"not, and with 1 if it is not or does not answer within 5 seconds. It needs no key.",
		Args: cobra.NoArgs,
		RunE: withConfig(func(cmd *cobra.Command, c config.Config, _ []string) error {
			ready, err := askReady(cmd.Context(), cmp.Or(server, config.LocalURL(c.Listen)))
			if err != nil {
				return err
			}
			return printResult(cmd, ready, printReady)
		}),
	}
	serverFlag(command, &server)
	jsonFlag(command)
	return command
}

func askReady(ctx context.Context, address string) (ready api.Readiness, err error) {
	ctx, cancel := context.WithTimeout(ctx, healthcheckTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/healthz/ready", http.NoBody)
	if err != nil {
		return ready, hint.New(err, "give an address such as http://127.0.0.1:8080")
	}
	response, err := http.DefaultClient.Do(request)
	if err == nil && response.StatusCode == http.StatusServiceUnavailable {
		_ = response.Body.Close()
		return ready, hint.New(fmt.Errorf("the server at %s is not ready", address), "its log and `licenseledger doctor` say why")
	}
	ready, _, err = answer[api.Readiness](response, err)
	return ready, err
}

func printReady(out io.Writer, ready api.Readiness) error {
	_, err := fmt.Fprintln(out, ready.Status)
	return err
}
