package server

import (
	"context"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/domain/access"
	"github.com/licenseledger/licenseledger/domain/catalog"
)

// PrintBanner says where everything is and, if the ledger is empty, how to begin. It shows a new admin key only if out is a
// terminal: elsewhere others may read it later, as in the journal or the logs of a container.
func (s *Server) PrintBanner(ctx context.Context, out io.Writer) error {
	text := fmt.Sprintf("Licenseledger serves the ledger in %s\n\n", s.place())
	if s.config.Role == config.RoleProjector {
		_, err := fmt.Fprintf(out, "%s  Health    %s/healthz/ready\n  Metrics   %s/metrics\n", text, s.URL(), s.URL())
		return err
	}
	text += fmt.Sprintf("  API       %s/v1\n", s.URL())
	if s.config.Docs == "on" {
		text += fmt.Sprintf("  Docs      %s/docs   %s/redoc\n", s.URL(), s.URL())
	}
	text += fmt.Sprintf("  Metrics   %s/metrics\n", s.URL())
	if s.adminKeyCreated {
		text += s.newAdminKey(isTerminal(out))
	}
	head, err := s.backends.Events.Head(ctx)
	if err != nil {
		return err
	}
	if head == 0 {
		text += "\nIssue and activate a first licence (bash):\n\n" + s.firstLicense()
	}
	_, err = fmt.Fprintln(out, text)
	return err
}

// newAdminKey says where the admin key is that was created on this start, and with show what it is.
func (s *Server) newAdminKey(show bool) string {
	file := engine.Absolute(s.config.AdminKeyFile())
	if show {
		return fmt.Sprintf("\n  Admin key %s\n            shown this once, stored in %s\n", s.adminKey, file)
	}
	return fmt.Sprintf("\n  Admin key created in %s\n            and not shown, since this is not a terminal\n", file)
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// place is where the ledger is, for people.
func (s *Server) place() string {
	if s.config.EventStore.Shared() {
		return s.config.EventStore.String()
	}
	return engine.Absolute(s.config.DataDir)
}

// firstLicense is four lines to copy and paste. The key stays out of argument lists, which others could read.
func (s *Server) firstLicense() string {
	product := catalog.ProductID(access.DefaultTenant, "my-app")
	key := "$(cat " + engine.Absolute(s.config.AdminKeyFile()) + ")"
	if s.config.AdminKey != "" {
		key = "$LICENSELEDGER_ADMIN_KEY"
	}
	return fmt.Sprintf(`ll() { curl -sS --json "$2" -H @<(echo "Authorization: Bearer %s") %s/v1/"$1"; echo; }
ll products '{"code":"my-app","name":"My App"}' && ll products/%s/plans '{"code":"pro","name":"Pro","type":"STANDARD","max_machines":2}'
KEY=$(ll licenses '{"product":"my-app","plan":"pro","customer":{"name":"Ada Byron","email":"ada@example.com"}}' | `+
		`grep -o '"key":"[^"]*"' | cut -d'"' -f4); echo "$KEY"
ll activations '{"license_key":"'"$KEY"'","machine":{"name":"ada-laptop","components":{"cpu":"i9-1","board":"b-42","disk":"d-7"}}}'
`, key, s.URL(), product)
}
