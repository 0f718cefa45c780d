package backends

import (
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends/eventstoredb"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends/postgres"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends/sqlite"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
)

// Engines is the table of engines. A further engine is a further row.
func Engines() []*engine.Engine {
	return []*engine.Engine{sqlite.Engine, postgres.Engine, eventstoredb.Engine}
}

// EnginesOf are the engines that can store a part.
func EnginesOf(part engine.Part) []*engine.Engine {
	var able []*engine.Engine
	for _, e := range Engines() {
		if e.Can(part) {
			able = append(able, e)
		}
	}
	return able
}

// File is an endpoint in a file of the embedded engine. A relative path is in the data directory.
func File(path string) engine.Endpoint {
	return engine.Endpoint{Engine: sqlite.Engine, Text: sqlite.Engine.Schemes[0] + ":" + path}
}
