package main

import (
	"errors"
	"slices"

	"github.com/licenseledger/licenseledger/installation"
	"github.com/licenseledger/licenseledger/projections/runtime"
)

// misfits are the errors of parts that do not belong together, each with what to do.
func misfits() []advice {
	return []advice{
		{installation.ErrKeysMissing, "bring back " + keysFile + " and " + masterKeyFile + " from their backup, or name the right database with LICENSELEDGER_READMODELS; " +
			"nothing was made"},
		{installation.ErrKeysIncomplete, "bring back a newer backup of the keys (" + keysFile + "): one made after the ledger's last event"},
		{installation.ErrLedgerMissing, "name the right ledger with LICENSELEDGER_EVENTSTORE or --data-dir, or bring it back from its backup; " +
			"to begin with an empty ledger on purpose: licenseledger installation accept"},
		{installation.ErrOtherInstallation, "`licenseledger installation show` names both; put the keys (" + keysFile + ", " + masterKeyFile + ") and the ledger of one installation together"},
		{installation.ErrEarlierLedger, "if this is the wrong ledger, name the right one; if it was put back on purpose, events after its end are lost, and you go on with: " +
			"licenseledger installation accept"},
		{installation.ErrNewEpoch, "start again: what this process knew of the ledger is no longer so"},
		{runtime.ErrForeignRows, "name another database or schema for the read models of this installation"},
		{runtime.ErrMisfit, "start an instance with --role all or projector first: it rebuilds the read models"},
	}
}

// misfit adds what to do about parts that do not belong together.
func misfit(err error) error {
	for _, known := range misfits() {
		if errors.Is(err, known.error) {
			return &advice{err, known.hint}
		}
	}
	return err
}

// isMisfit reports whether an error says that parts do not belong together, rather than that one cannot be read.
func isMisfit(err error) bool {
	return slices.ContainsFunc(misfits(), func(known advice) bool { return errors.Is(err, known.error) })
}
