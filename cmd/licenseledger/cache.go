package main

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/licenseledger/licenseledger/commands"
	"github.com/licenseledger/licenseledger/rediscache"
)

// openCache opens what instances share beside the ledger, nil when nothing is configured. Redis need not be there.
func (s *stores) openCache(c config, metrics *prometheus.Registry, logger *slog.Logger) (commands.Cache, error) {
	if c.Redis == "" {
		return nil, nil
	}
	cache, err := rediscache.Open(c.Redis, rediscache.Config{
		Sealer: s.keys, Namespace: s.epoch.Installation.String() + ":" + s.epoch.ID.String(), Instance: owner(), Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, cache.Close)
	metrics.MustRegister(cache.Metrics())
	return cache, nil
}
