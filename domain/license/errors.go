package license

import "github.com/licenseledger/licenseledger/domain/domainerr"

// The refusals of a licence's rules.
var (
	ErrNotFound = domainerr.New("LICENSE_NOT_FOUND", "there is no such licence",
		"check the id; the list of licences has it")
	ErrKeySuperseded = domainerr.New("LICENSE_KEY_INVALID", "this licence key was replaced by a newer one",
		"use the key that was handed out last, or ask the vendor for it")
	ErrAlreadyIssued = domainerr.New("LICENSE_EXISTS", "a licence with this id exists already",
		"repeat the request with another idempotency key")
	ErrSuspended = domainerr.New("LICENSE_SUSPENDED", "the licence is suspended",
		"ask the vendor to reinstate it")
	ErrExpired = domainerr.New("LICENSE_EXPIRED", "the licence has expired",
		"ask the vendor to renew it")
	ErrRevoked = domainerr.New("LICENSE_REVOKED", "the licence was revoked for good",
		"ask the vendor for a new licence")
	ErrInvalidTransition = domainerr.New("INVALID_TRANSITION", "the licence's status does not allow this",
		"look at the licence's status and history, then choose a command that fits")
	ErrSeatLimitReached = domainerr.New("SEAT_LIMIT_REACHED", "every seat of the licence is taken",
		"release a machine, or ask the vendor for more seats")
	ErrMachineAlreadyBound = domainerr.New("MACHINE_ALREADY_BOUND", "this machine is bound to the licence already",
		"activate again from that machine: a machine that is bound takes no further seat")
	ErrDailyLimitReached = domainerr.New("DAILY_LIMIT_REACHED", "too many machines took seats of the licence today",
		"wait until the next day (UTC), or ask the vendor for a plan with more daily_activations_per_seat")
	ErrRebindLimitReached = domainerr.New("REBIND_LIMIT_REACHED", "the licence was moved between machines too often",
		"wait until the window has passed, or ask the vendor to move or release the machine")
	ErrFingerprintMismatch = domainerr.New("FINGERPRINT_MISMATCH", "this is not the machine that was activated",
		"activate this machine, or rebind the licence to it")
	ErrActivationNotFound = domainerr.New("NOT_FOUND", "the licence has no such activation",
		"activate the machine; an activation that was ended or moved is gone")
	ErrBindingNotFound = domainerr.New("NOT_FOUND", "the licence has no such binding",
		"check the id; the list of the licence's machines has it. A released machine must be activated again")
)
