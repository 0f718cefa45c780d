// Package domain gathers the rules of the licence ledger. The packages below it are pure: no I/O, no clock, no randomness;
// those are passed in.
package domain

import (
	"github.com/licenseledger/licenseledger/domain/activation"
	"github.com/licenseledger/licenseledger/domain/binding"
	"github.com/licenseledger/licenseledger/domain/catalog"
	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/domain/idempotency"
	"github.com/licenseledger/licenseledger/domain/license"
)

// Events returns a registry of every event the ledger may hold.
func Events() *event.Registry {
	return event.NewRegistry(catalog.Events(), license.Events(), binding.Events(), activation.Events(), idempotency.Events())
}
