// Package doctor checks that everything a configuration names can be reached and keeps what it acknowledges.
package doctor

import (
	"context"
	"fmt"
	"time"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/diagnosis"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/migrations"
)

// checkTimeout bounds how long one server may take to answer.
const checkTimeout = 15 * time.Second

// examination collects the findings about one configuration.
type examination struct{ diagnosis.Report }

// Examine checks everything that a configuration names. It changes nothing, and the server may run.
func Examine(ctx context.Context, c config.Config) diagnosis.Report {
	var d examination
	d.OK("configuration", fmt.Sprintf("events in %s, read models in %s", c.EventStore, c.ReadModels))
	d.examine(ctx, c)
	return d.Report
}

func (d *examination) examine(ctx context.Context, c config.Config) {
	ctx, cancel := context.WithTimeout(ctx, 4*checkTimeout)
	defer cancel()
	d.examineDataDir(c)
	d.examineLogs(c) // before anything opens the files, which may change them
	d.examineListen(c)
	d.examineNamespaces(c)
	reachable := d.examineServers(ctx, c)
	if !c.Replica.IsZero() {
		c.Replica.Engine.CheckReplica(ctx, &d.Report, c.Replica)
	}
	if reachable[engine.EventStore] {
		d.examineLedger(ctx, c)
	}
	used := false
	if reachable[engine.ReadModels] {
		if d.examineTables(ctx, "readmodels: tables", c.ReadModels, c.DataDir, migrations.Readmodels) {
			d.examineProjections(ctx, c)
		}
		used = d.examineTables(ctx, "keys: tables", c.Keys, c.DataDir, migrations.Keys)
	}
	d.examineCache(ctx, c)
	d.examineMasterKey(ctx, c, used)
	d.examineAdminKey(c)
}

// examineServers checks each server once, and reports which parts can be reached.
func (d *examination) examineServers(ctx context.Context, c config.Config) map[engine.Part]bool {
	reachable := map[engine.Part]bool{}
	for _, first := range c.Parts() {
		if _, done := reachable[first.Name]; done {
			continue
		}
		var endpoints []engine.Endpoint
		var parts []engine.Part
		for _, p := range c.Parts() {
			if p.Name == first.Name || p.At.Shared() && p.At.SameServer(first.At) {
				endpoints, parts = append(endpoints, p.At), append(parts, p.Name)
			}
		}
		answers := first.At.Engine.Check == nil || first.At.Engine.Check(ctx, &d.Report, string(first.Name), endpoints...)
		for _, p := range parts {
			reachable[p] = answers
		}
	}
	return reachable
}
