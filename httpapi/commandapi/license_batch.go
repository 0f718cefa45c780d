package commandapi

import (
	"context"

	"github.com/licenseledger/licenseledger/commands/licensing"
	"github.com/licenseledger/licenseledger/httpapi/api"
)

// IssueLicenses implements [StrictServerInterface].
func (s server) IssueLicenses(ctx context.Context, r IssueLicensesRequestObject) (IssueLicensesResponseObject, error) {
	request, err := conditions{IdempotencyKey: r.Params.IdempotencyKey}.request(ctx)
	if err != nil {
		return nil, err
	}
	batch := make([]licensing.IssueLicense, len(r.Body.Licenses))
	for i, b := range r.Body.Licenses {
		batch[i] = issueLicense(b)
	}
	outcomes, err := s.Commands.Licensing.IssueLicenses(ctx, request, batch)
	if err != nil {
		return nil, err
	}
	answer := LicensesIssuedJSONResponse{Body: api.BatchOutcome{Outcomes: make([]api.IssueOutcome, len(outcomes))}}
	repeated := true
	for i, o := range outcomes {
		if o.Err != nil {
			document := s.Problems.Document(ctx, o.Err)
			answer.Body.Outcomes[i].Problem = &document
			answer.Body.Refused++
			continue
		}
		issued := issuedLicenseJSON(o.Issued)
		answer.Body.Outcomes[i].License = &issued
		answer.Body.Issued++
		answer.Headers.LedgerPosition = max(answer.Headers.LedgerPosition, uint64(o.Issued.Position))
		repeated = repeated && o.Issued.Replayed
	}
	answer.Headers.IdempotencyReplayed = replayed(repeated && answer.Body.Issued > 0)
	return IssueLicenses200JSONResponse{answer}, nil
}
