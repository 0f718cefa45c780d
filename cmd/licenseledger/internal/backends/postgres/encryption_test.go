package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/diagnosis"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
)

func TestTheDoctorWarnsOfAConnectionToAnotherMachineThatMayBeWithoutTLS(t *testing.T) {
	t.Parallel()
	for text, expected := range map[string]diagnosis.Result{
		"postgres://ada:hunter2@db.example/ledger?sslmode=disable":     diagnosis.Warning,
		"postgres://ada:hunter2@db.example/ledger?sslmode=allow":       diagnosis.Warning,
		"postgres://ada:hunter2@db.example/ledger?sslmode=prefer":      diagnosis.Warning,
		"postgres://ada:hunter2@db.example/ledger":                     diagnosis.Warning,
		"postgres://ada@127.0.0.1,192.0.2.1/ledger?sslmode=disable":    diagnosis.Warning,
		"postgres://ada:hunter2@db.example/ledger?sslmode=require":     diagnosis.OK,
		"postgres://ada:hunter2@db.example/ledger?sslmode=verify-full": diagnosis.OK,
		"postgres://ada:hunter2@localhost/ledger?sslmode=disable":      diagnosis.OK,
		"postgres://ada:hunter2@127.0.0.1:5433/ledger":                 diagnosis.OK,
		"postgres://ada@[::1]/ledger?sslmode=prefer":                   diagnosis.OK,
		"postgres:///ledger?host=/var/run/postgresql&sslmode=disable":  diagnosis.OK,
	} {
		var d diagnosis.Report
		checkEncryption(&d, "eventstore: encryption", engine.Endpoint{Engine: Engine, Text: text, Namespace: "l"})
		require.Len(t, d.Findings, 1, text)
		require.Equal(t, expected, d.Findings[0].Result, text)
		require.NotContains(t, d.Findings[0].Found, "hunter2")
	}
}
