package doctor

import (
	"strings"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
)

// examineNamespaces warns of a ledger that has its own namespace on some of its servers only. If another ledger has the defaults
// there, the two mix their rows or their keys.
func (d *examination) examineNamespaces(c config.Config) {
	var named, byDefault []string
	for _, p := range c.Parts() {
		if p.At.Engine.Namespace == nil {
			continue
		}
		setting := string(p.Name) + "_" + p.At.Engine.Namespace.Setting
		if p.At.OwnNamespace() == "" {
			byDefault = append(byDefault, setting)
		} else {
			named = append(named, setting)
		}
	}
	if len(named) > 0 && len(byDefault) > 0 {
		d.Warn("several ledgers", "this ledger has its own "+strings.Join(named, ", ")+", but the default "+strings.Join(byDefault, ", "),
			"set these as well, unless this is the only ledger that has the default there")
	}
}
