package backends

import (
	"errors"
	"slices"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/hint"
	"github.com/licenseledger/licenseledger/installation"
	"github.com/licenseledger/licenseledger/projections/runtime"
)

// mismatch is an error that says that parts do not belong together.
type mismatch struct {
	err  error
	hint string
}

func mismatches() []mismatch {
	return []mismatch{
		{installation.ErrKeysMissing, "restore " + KeysFile + " and " + MasterKeyFile +
			" from their backup, or name the right database with LICENSELEDGER_READMODELS; " +
			"nothing was created"},
		{installation.ErrKeysIncomplete, "restore a newer backup of the keys (" + KeysFile + "): one made after the ledger's last event"},
		{installation.ErrLedgerMissing, "name the right ledger with LICENSELEDGER_EVENTSTORE or --data-dir, or restore it from its backup; " +
			"to begin with an empty ledger on purpose: licenseledger installation accept"},
		{installation.ErrOtherInstallation, "`licenseledger installation show` names both; put the keys (" + KeysFile + ", " + MasterKeyFile +
			") and the ledger of one " +
			"installation together"},
		{installation.ErrEarlierLedger, "if this is the wrong ledger, name the right one; if it was restored to an earlier state on " +
			"purpose, events after its end are lost, " +
			"and you continue with: licenseledger installation accept"},
		{installation.ErrNewEpoch, "restart the server: what this process knew of the ledger is out of date"},
		{runtime.ErrForeignRows, "name another database or schema for the read models of this installation"},
		{runtime.ErrMisfit, "start an instance with --role all or projector first: it rebuilds the read models"},
	}
}

// ExplainMismatch adds a hint to an error that says that parts do not belong together. It returns other errors as they are.
func ExplainMismatch(err error) error {
	for _, m := range mismatches() {
		if errors.Is(err, m.err) {
			return hint.New(err, m.hint)
		}
	}
	return err
}

// IsMismatch reports whether an error says that parts do not belong together, rather than that one cannot be read.
func IsMismatch(err error) bool {
	return slices.ContainsFunc(mismatches(), func(m mismatch) bool { return errors.Is(err, m.err) })
}

// splitMismatch separates a mismatch from other errors.
func splitMismatch(err error) (mismatch, other error) {
	if IsMismatch(err) {
		return err, nil
	}
	return nil, err
}
