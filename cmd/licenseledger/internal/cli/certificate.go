package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
	"github.com/licenseledger/licenseledger/keyring"
)

// maxCertificateFile bounds the file of a certificate, in bytes: it may be the whole answer of the server.
const maxCertificateFile = keyring.MaxCertificateSize + 4096

// maxKeySet bounds the key set file, in bytes.
const maxKeySet = 1 << 20

func newCertificateCommand() *cobra.Command {
	command := &cobra.Command{Use: "certificate", Short: "Work with the certificates of activations"}
	command.AddCommand(newVerifyCommand())
	return command
}

func newVerifyCommand() *cobra.Command {
	var keys string
	command := &cobra.Command{
		Use:   "verify CERT --jwks FILE",
		Short: "Check a certificate offline against a product's public keys",
		Long: "Check a certificate's signature and time offline. CERT is the certificate itself, a file that holds it or the server's\n" +
			"answer, or - for standard input. The keys are what the server answers on /v1/products/{id}/jwks.json.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			keySet, err := readBounded(keys, maxKeySet)
			if err != nil {
				return hint.New(fmt.Errorf("read the key set: %w", err), "save it with: curl -o jwks.json SERVER/v1/products/ID/jwks.json")
			}
			token, err := readCertificate(cmd.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			certificate, err := keyring.Verify(token, keySet, time.Now())
			genuine := err == nil || errors.Is(err, keyring.ErrCertificateExpired) || errors.Is(err, keyring.ErrCertificateNotYetValid)
			if !genuine {
				return err
			}
			return errors.Join(printResult(cmd, verifiedOf(certificate), printCertificate), err)
		},
	}
	command.Flags().StringVar(&keys, "jwks", "", "file with the product's public keys (JSON Web Key Set)")
	jsonFlag(command)
	_ = command.MarkFlagRequired("jwks")
	return command
}

// readCertificate takes the certificate itself, the file that holds it, or standard input.
func readCertificate(in io.Reader, argument string) (string, error) {
	if argument == "-" {
		text, err := io.ReadAll(io.LimitReader(in, maxCertificateFile))
		return certificateIn(string(text)), err
	}
	if strings.Count(argument, ".") == 2 && strings.HasPrefix(argument, "eyJ") {
		return argument, nil
	}
	text, err := readBounded(argument, maxCertificateFile)
	if err != nil {
		return "", fmt.Errorf("read the certificate: %w", err)
	}
	return certificateIn(string(text)), nil
}

// certificateIn finds the certificate in what somebody saved: the certificate alone, perhaps in quotes or after a byte order mark, or the
// whole answer of the server.
func certificateIn(text string) string {
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	var answer struct {
		Certificate string `json:"certificate"`
	}
	if json.Unmarshal([]byte(text), &answer) == nil && answer.Certificate != "" {
		return answer.Certificate
	}
	return strings.Trim(text, "\"'`“”‘’ ")
}

// readBounded reads a file of at most limit bytes; more is left out.
func readBounded(path string, limit int64) (text []byte, err error) {
	file, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return io.ReadAll(io.LimitReader(file, limit))
}

// verified is a genuine certificate as JSON.
type verified struct {
	Issuer         string         `json:"issuer"`
	LicenseID      string         `json:"license_id"`
	Product        string         `json:"product"`
	Plan           string         `json:"plan"`
	PlanType       string         `json:"plan_type"`
	Features       map[string]any `json:"features"`
	Fingerprint    string         `json:"fingerprint"`
	ActivationID   string         `json:"activation_id"`
	NotBefore      time.Time      `json:"not_before"`
	ExpiresAt      time.Time      `json:"expires_at"`
	OfflineUntil   time.Time      `json:"offline_until"`
	LedgerPosition uint64         `json:"ledger_position"`
}

func verifiedOf(c keyring.Certificate) verified {
	return verified{
		Issuer: c.Issuer, LicenseID: c.License.String(), Product: c.ProductCode, Plan: c.Plan, PlanType: string(c.PlanType), Features: c.Features,
		Fingerprint: string(c.Fingerprint), ActivationID: c.Activation.String(), NotBefore: c.NotBefore, ExpiresAt: c.ExpiresAt,
		OfflineUntil: c.OfflineUntil, LedgerPosition: uint64(c.Position),
	}
}

func printCertificate(out io.Writer, v verified) error {
	return printTable(out, []string{"CLAIM", "VALUE"}, [][]string{
		{"issuer", v.Issuer},
		{"license", v.LicenseID},
		{"product", v.Product},
		{"plan", v.Plan + " (" + v.PlanType + ")"},
		{"features", fmt.Sprint(v.Features)},
		{"fingerprint", v.Fingerprint},
		{"activation", v.ActivationID},
		{"valid", v.NotBefore.Format(time.RFC3339) + " to " + v.ExpiresAt.Format(time.RFC3339)},
		{"offline until", v.OfflineUntil.Format(time.RFC3339)},
		{"ledger position", fmt.Sprint(v.LedgerPosition)},
	})
}
