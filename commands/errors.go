package commands

import "github.com/licenseledger/licenseledger/domain/domainerr"

// The refusals that do not come from one aggregate's rules.
var (
	ErrIdempotencyKeyReused = domainerr.New("IDEMPOTENCY_KEY_REUSED", "this Idempotency-Key was used for another request",
		"send a new Idempotency-Key with every new request, and the same one only to repeat a request unchanged")
	ErrPreconditionFailed = domainerr.New("PRECONDITION_FAILED", "it was changed since you read it",
		"read it again and send its ETag in If-Match")
	ErrContended = domainerr.New("BUSY", "too many changes at once to the same licence",
		"repeat the request after a moment, with the same Idempotency-Key")
)
