package doctor

import (
	"errors"
	"os"
	"strings"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/adminkey"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/permissions"
)

// examineAdminKey checks the file of the admin key.
func (d *examination) examineAdminKey(c config.Config) {
	const check = "admin key"
	if c.AdminKey != "" {
		d.OK(check, "configured")
		return
	}
	path := c.AdminKeyFile()
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the data directory
	switch {
	case errors.Is(err, os.ErrNotExist):
		d.OK(check, "none yet; the first start creates one in "+path)
	case err != nil:
		d.Fail(check, err.Error(), "make the file readable for the user who runs the server")
	default:
		if err := adminkey.Check(strings.TrimSpace(string(text))); err != nil {
			d.Fail(check, path+": it "+err.Error(), "remove the file to have a new key created")
			return
		}
		if err := permissions.RequirePrivate(path); err != nil {
			d.Error(check, err)
			return
		}
		d.OK(check, path)
	}
}
