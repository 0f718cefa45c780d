package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/licenseledger/licenseledger/sqlitefile"
)

// sqliteFile is a database that is kept in a file.
type sqliteFile struct{ database, path string }

func (c config) sqliteFiles() []sqliteFile {
	var files []sqliteFile
	for _, f := range []struct {
		database string
		at       location
	}{{"ledger", c.EventStore}, {"readmodels", c.ReadModels}, {"keys", c.Keys}} {
		if f.at.engine == engineSQLite {
			files = append(files, sqliteFile{f.database, f.at.file(c.DataDir)})
		}
	}
	return files
}

// logSizes are the sizes of the write-ahead logs of files, measured when they are asked for.
type logSizes struct {
	files []sqliteFile
	bytes *prometheus.Desc
}

func newLogSizes(files []sqliteFile) logSizes {
	return logSizes{files, prometheus.NewDesc("licenseledger_sqlite_wal_bytes",
		"Size of the write-ahead log of a SQLite database. Above 64 MiB a reader keeps it from being emptied.", []string{"database"}, nil)}
}

// Describe is [prometheus.Collector].
func (s logSizes) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- s.bytes }

// Collect is [prometheus.Collector].
func (s logSizes) Collect(metrics chan<- prometheus.Metric) {
	for _, file := range s.files {
		metrics <- prometheus.MustNewConstMetric(s.bytes, prometheus.GaugeValue, float64(sqlitefile.LogSize(file.path)), file.database)
	}
}
