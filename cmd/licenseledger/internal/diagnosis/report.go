// Package diagnosis has the report of `licenseledger doctor`.
package diagnosis

import (
	"strings"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
)

// Result is the outcome of a check.
type Result string

// The results.
const (
	OK      Result = "ok"
	Warning Result = "warning" // it works and should be improved
	Fail    Result = "FAIL"    // it does not work, or will lose data some day
)

// Finding is the outcome of one check.
type Finding struct {
	Check  string `json:"check"`
	Result Result `json:"result"`
	Found  string `json:"found"`
	Advice string `json:"advice,omitempty"`
}

// Report collects findings. The zero value is an empty report.
type Report struct{ Findings []Finding }

// OK adds that a check passed.
func (r *Report) OK(check, found string) { r.add(check, OK, found, "") }

// Warn adds a warning.
func (r *Report) Warn(check, found, advice string) { r.add(check, Warning, found, advice) }

// Fail adds a failure.
func (r *Report) Fail(check, found, advice string) { r.add(check, Fail, found, advice) }

// Error adds an error as a failure, with its hint.
func (r *Report) Error(check string, err error) { r.Fail(check, err.Error(), hint.Of(err)) }

// Healthy reports whether nothing failed.
func (r *Report) Healthy() bool {
	for _, f := range r.Findings {
		if f.Result == Fail {
			return false
		}
	}
	return true
}

func (r *Report) add(check string, result Result, found, advice string) {
	oneLine := strings.NewReplacer("\n", " ", "\t", " ")
	r.Findings = append(r.Findings, Finding{check, result, oneLine.Replace(found), oneLine.Replace(advice)})
}
