package doctor

import (
	"fmt"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/sqlitefile"
)

// examineLogs checks the size of the write-ahead log of each SQLite file.
func (d *examination) examineLogs(c config.Config) {
	for _, file := range c.Files() {
		check := file.Database + ": write-ahead log"
		size := sqlitefile.LogSize(file.Path)
		found := fmt.Sprintf("%.1f MiB", float64(size)/(1<<20))
		if size < sqlitefile.LogLimit {
			d.OK(check, found)
			continue
		}
		d.Warn(check, found+", it should be smaller than 64 MiB",
			"while the server runs, end the transaction of the process that reads "+engine.Absolute(file.Path)+" (`fuser` names it); after a "+
				"crash, start the server: it moves the log into the file")
	}
}
