package doctor

import (
	"context"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/rediscache"
)

// examineCache checks whether Redis can be reached. Without it everything works, only slower.
func (d *examination) examineCache(ctx context.Context, c config.Config) {
	if c.Redis == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	if err := rediscache.Ping(ctx, c.Redis); err != nil {
		d.Warn("redis", err.Error(), "start it, or correct or unset LICENSELEDGER_REDIS; until then the instances share no cache, and "+
			"nothing else changes")
		return
	}
	d.OK("redis", engine.Redacted(c.Redis)+" answers")
}
