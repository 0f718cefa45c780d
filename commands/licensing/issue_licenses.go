package licensing

import (
	"context"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/licenseledger/licenseledger/commands/runtime"
	"github.com/licenseledger/licenseledger/domain/domainerr"
)

// MaxBatch is how many licences one batch may issue.
const MaxBatch = 1_000

// issueParallel is how many licences of a batch are issued in parallel, so that the ledger can commit them together.
const issueParallel = 64

// IssueOutcome is what became of one licence of a batch: Issued, or Err.
type IssueOutcome struct {
	Issued IssuedLicense
	Err    error
}

// issueLicenses issues 1 to [MaxBatch] licences, each on its own: one that is refused leaves the others untouched. The outcomes are in the
// order of the commands. With an idempotency key the whole batch can be repeated.
func (c *Commands) issueLicenses(ctx context.Context, req runtime.Request, batch []IssueLicense) ([]IssueOutcome, error) {
	var check domainerr.Check
	check.Require(len(batch) >= 1 && len(batch) <= MaxBatch, "licenses", "must be 1 to 1000")
	if err := check.Err(); err != nil {
		return nil, err
	}
	if err := c.repositories.Licenses.CheckClaim(ctx, req); err != nil {
		return nil, err
	}
	outcomes := make([]IssueOutcome, len(batch))
	var group errgroup.Group
	group.SetLimit(issueParallel)
	for i, command := range batch {
		group.Go(func() error {
			outcomes[i].Issued, outcomes[i].Err = c.IssueLicense(ctx, req.Part(strconv.Itoa(i)), command)
			return nil
		})
	}
	return outcomes, group.Wait()
}
