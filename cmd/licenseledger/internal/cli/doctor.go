package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/diagnosis"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/doctor"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
)

func newDoctorCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "doctor",
		Short: "Check a configuration and say what to fix",
		Long: "Check that everything the configuration names can be reached and keeps what it acknowledges: versions, durability, encoding,\n" +
			"connections, clocks, permissions, disk space, keys. Nothing is changed or created. Exits with 1 when something must be fixed.\n" +
			"The server may run.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var report diagnosis.Report
			c, err := configOf(cmd)
			if err != nil {
				report.Error("configuration", err)
			} else {
				report = doctor.Examine(cmd.Context(), c)
			}
			err = printResult(cmd, healthReport{report.Findings, report.Healthy()}, printHealth)
			if err == nil && !report.Healthy() {
				err = hint.ErrReported
			}
			return err
		},
	}
	jsonFlag(command)
	return command
}

// healthReport is what the doctor found, as JSON.
type healthReport struct {
	Findings []diagnosis.Finding `json:"findings"`
	Healthy  bool                `json:"healthy"`
}

func printHealth(out io.Writer, report healthReport) error {
	rows := make([][]string, len(report.Findings))
	for i, f := range report.Findings {
		rows[i] = []string{f.Check, string(f.Result) + ": " + f.Found, f.Advice}
	}
	return printTable(out, []string{"CHECK", "RESULT", "WHAT TO DO"}, rows)
}
