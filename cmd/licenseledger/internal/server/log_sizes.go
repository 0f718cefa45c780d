package server

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
	"github.com/licenseledger/licenseledger/sqlitefile"
)

// logSizes are the sizes of the write-ahead logs of files, measured when metrics are collected.
type logSizes struct {
	files []backends.FileOfPart
	bytes *prometheus.Desc
}

func newLogSizes(files []backends.FileOfPart) logSizes {
	return logSizes{files, prometheus.NewDesc("licenseledger_sqlite_wal_bytes",
		"Size of the write-ahead log of a SQLite database. Above 64 MiB a reader keeps it from being emptied.", []string{"database"}, nil)}
}

// Describe implements [prometheus.Collector].
func (s logSizes) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- s.bytes }

// Collect implements [prometheus.Collector].
func (s logSizes) Collect(metrics chan<- prometheus.Metric) {
	for _, file := range s.files {
		metrics <- prometheus.MustNewConstMetric(s.bytes, prometheus.GaugeValue, float64(sqlitefile.LogSize(file.Path)), file.Database)
	}
}
