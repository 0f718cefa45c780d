package backends

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/licenseledger/licenseledger/commands"
	"github.com/licenseledger/licenseledger/rediscache"
)

// OpenCache opens the cache that instances share; nil when none is configured. Redis need not be reachable.
func (b *Backends) OpenCache(s Settings, metrics *prometheus.Registry, logger *slog.Logger) (commands.Cache, error) {
	if s.Redis == "" {
		return nil, nil
	}
	cache, err := rediscache.Open(s.Redis, rediscache.Config{
		Sealer: b.Keys, Namespace: b.Epoch.Installation.String() + ":" + b.Epoch.ID.String(), Instance: ProcessName(), Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	b.closers = append(b.closers, cache.Close)
	metrics.MustRegister(cache.Metrics())
	return cache, nil
}
