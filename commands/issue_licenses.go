package commands

import (
	"context"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/tenancy"
)

// MaxBatch is how many licences one batch may issue.
const MaxBatch = 1_000

// issuesAtOnce is how many licences of a batch are issued side by side, so that the ledger can commit them together.
const issuesAtOnce = 64

// IssueOutcome is what became of one licence of a batch: Issued, or Err.
type IssueOutcome struct {
	Issued IssuedLicense
	Err    error
}

// IssueLicenses issues up to [MaxBatch] licences, each on its own: one that is refused leaves the others untouched. The
// outcomes are in the order of the commands. With an Idempotency-Key the whole batch can be repeated.
func (h *Handler) IssueLicenses(ctx context.Context, req Request, batch []IssueLicense) ([]IssueOutcome, error) {
	if err := tenancy.Require(ctx, tenancy.Admin); err != nil {
		return nil, err
	}
	var check domainerr.Check
	check.Require(len(batch) >= 1 && len(batch) <= MaxBatch, "licenses", "must be 1 to 1000")
	if err := check.Err(); err != nil {
		return nil, err
	}
	outcomes := make([]IssueOutcome, len(batch))
	var group errgroup.Group
	group.SetLimit(issuesAtOnce)
	for i, c := range batch {
		one := Request{Correlation: req.Correlation}
		if req.IdempotencyKey != "" {
			one.IdempotencyKey = req.IdempotencyKey + "#" + strconv.Itoa(i)
		}
		group.Go(func() error {
			outcomes[i].Issued, outcomes[i].Err = h.IssueLicense(ctx, one, c)
			return nil
		})
	}
	return outcomes, group.Wait()
}
