package queryapi

import (
	"context"

	"github.com/licenseledger/licenseledger/httpapi/api"
	"github.com/licenseledger/licenseledger/httpapi/present"
	"github.com/licenseledger/licenseledger/readmodels/licenses"
	"github.com/licenseledger/licenseledger/readmodels/machines"
)

// ListLicenseMachines implements [StrictServerInterface].
func (s server) ListLicenseMachines(ctx context.Context, r ListLicenseMachinesRequestObject) (ListLicenseMachinesResponseObject, error) {
	query := listQuery{r.Params.Cursor, r.Params.Limit, r.Params.LedgerPosition, []string{licenses.Definition.Name, machines.Definition.Name}}
	rows := ofLicense(s, r.ID, s.Machines.OfLicense)
	page, err := list(ctx, s, query, rows, withoutError(present.MachineRow))
	return ListLicenseMachines200JSONResponse{
		Body: api.MachinePage{Items: page.items, NextCursor: page.nextCursor}, Headers: ListLicenseMachines200ResponseHeaders{Link: page.link},
	}, err
}
