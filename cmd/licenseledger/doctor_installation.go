package main

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/installation"
)

// examineInstallation looks whether ledger and keys belong together.
func (d *diagnosis) examineInstallation(ctx context.Context, c config, ledger installation.Ledger) {
	const check = "installation"
	ctx, cancel := context.WithTimeout(ctx, doctorPatience)
	defer cancel()
	found, err := examineInstallation(ctx, c, ledger)
	switch {
	case err != nil && isMisfit(err):
		d.failed(check, misfit(err))
	case err != nil:
		d.fail(check, err.Error(), "make ledger and keys readable from here")
	case found.Epoch.ID == uuid.Nil && found.Head == 0:
		d.ok(check, "none yet; the first start makes one")
	case found.Epoch.ID == uuid.Nil:
		d.ok(check, "the keys hold the signing key of the ledger's first product; the next start gives both an id")
	default:
		d.ok(check, fmt.Sprintf("%s, epoch %s (%s)", found.Epoch.Installation, found.Epoch.ID, found.Epoch.Reason))
	}
}
