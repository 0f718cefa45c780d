package eventstore

import "errors"

// ErrDamaged says that what is stored is not what was appended: a position or revision is missing, or an event cannot be read
// back. It does not go away by itself; restore the ledger from a backup.
var ErrDamaged = errors.New("the ledger is damaged")
