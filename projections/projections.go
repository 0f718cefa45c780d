// Package projections lists the projections. Each has a package of its own; package runtime keeps all of them up to date.
package projections

import (
	"github.com/licenseledger/licenseledger/projections/catalog"
	"github.com/licenseledger/licenseledger/projections/licenses"
	"github.com/licenseledger/licenseledger/projections/machines"
	"github.com/licenseledger/licenseledger/projections/runtime"
	"github.com/licenseledger/licenseledger/projections/timeline"
)

// All returns the projectors of all read models.
func All(personal runtime.PersonalData) []runtime.Projector {
	return []runtime.Projector{catalog.Projector(), licenses.Projector(personal), machines.Projector(personal), timeline.Projector()}
}
