package main

import (
	"fmt"

	"github.com/licenseledger/licenseledger/sqlitefile"
)

// examineLogs looks at the size of the write-ahead log of each SQLite file.
func (d *diagnosis) examineLogs(c config) {
	for _, file := range c.sqliteFiles() {
		check := file.database + ": write-ahead log"
		size := sqlitefile.LogSize(file.path)
		found := fmt.Sprintf("%.1f MiB", float64(size)/(1<<20))
		if size < sqlitefile.LogLimit {
			d.ok(check, found)
			continue
		}
		d.warn(check, found+", it should be smaller than 64 MiB",
			"while the server runs, end the transaction of the process that reads "+absolute(file.path)+" (`fuser` names it); after a crash, start the server: it moves the log into the file")
	}
}
