package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
	"github.com/licenseledger/licenseledger/migrations"
)

// examineTables compares the version of tables with the program's, and reports whether there are any that can be read.
func (d *examination) examineTables(ctx context.Context, check string, at engine.Endpoint, dataDir string, schema migrations.Schema) bool {
	if backends.IsMissing(at, dataDir) {
		d.OK(check, "none yet; the first start creates them")
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	current, newest, err := backends.TablesVersion(ctx, at, dataDir, schema)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		d.Fail(check, "this program cannot store them in "+at.Engine.Name, "choose another engine")
	case err != nil:
		d.Fail(check, err.Error(), at.Engine.TablesHint)
	case current == 0:
		d.OK(check, "none yet; the first start creates them")
	case current > newest:
		d.Fail(check, fmt.Sprintf("version %d, which a newer version of the program created; this one knows %d", current, newest),
			hint.NewerVersion)
	case current < newest:
		d.Warn(check, fmt.Sprintf("version %d", current), fmt.Sprintf("back up: the next start upgrades them to %d, and there is no way back",
			newest))
		return true
	default:
		d.OK(check, fmt.Sprintf("version %d", current))
		return true
	}
	return false
}
