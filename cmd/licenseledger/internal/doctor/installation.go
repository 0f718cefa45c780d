package doctor

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
	"github.com/licenseledger/licenseledger/installation"
)

// examineInstallation checks whether ledger and keys belong together.
func (d *examination) examineInstallation(ctx context.Context, c config.Config, ledger installation.Ledger) {
	const check = "installation"
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	found, err := backends.ExamineInstallation(ctx, c.Settings, ledger)
	switch {
	case err != nil && backends.IsMismatch(err):
		d.Error(check, backends.ExplainMismatch(err))
	case err != nil:
		d.Fail(check, err.Error(), "make ledger and keys readable from here")
	case found.Epoch.ID == uuid.Nil && found.Head == 0:
		d.OK(check, "none yet; the first start creates one")
	case found.Epoch.ID == uuid.Nil:
		d.OK(check, "the keys hold the signing key of the ledger's first product; the next start gives both an id")
	default:
		d.OK(check, fmt.Sprintf("%s, epoch %s (%s)", found.Epoch.Installation, found.Epoch.ID, found.Epoch.Reason))
	}
}
