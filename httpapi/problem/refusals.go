package problem

import (
	"fmt"

	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/event"
)

// The refusals of the HTTP layer itself.
var (
	ErrNoSuchPath = domainerr.New("NOT_FOUND", "there is nothing at this path",
		"compare the path with the documentation at /docs")
	ErrNotFound = domainerr.New("NOT_FOUND", "there is no such thing",
		"check the id; if it was made a moment ago, send the Ledger-Position of its command with the query")
	ErrMethodNotAllowed = domainerr.New("METHOD_NOT_ALLOWED", "the path does not take this method",
		"use one of the methods in the Allow header")
	ErrBodyTooLarge = domainerr.New("BODY_TOO_LARGE", "the body is larger than this endpoint accepts",
		"send less at once; a batch of licences may be split")
	ErrUnsupportedMediaType = domainerr.New("UNSUPPORTED_MEDIA_TYPE", "the body is not declared as JSON",
		"send Content-Type: application/json")
	ErrKeyRejected = domainerr.New("UNAUTHENTICATED", "the API key is not valid",
		"check the key; on first start it was stored as admin.key in the data directory")
	ErrLicenseKeyMissing = domainerr.New("UNAUTHENTICATED", "neither an API key nor a licence key was sent",
		"send license_key in the body, or an API key as \"Authorization: Bearer …\"")
	ErrRebuildRunning = domainerr.New("REBUILD_RUNNING", "the projection is being rebuilt already",
		"follow its progress with GET /v1/projections")
	ErrEpochChanged = domainerr.New("EPOCH_CHANGED", "The ledger is in another epoch: it was restored or moved since this position was read.",
		"Compare the last events that you have with the ledger, by their ids, and go on after the last one that both have, with the new epoch. Or begin again after 0.")
	ErrBeyondHead = domainerr.New("POSITION_BEYOND_HEAD", "The ledger has no such position: it was restored to an earlier state since this position was read.",
		"Compare the last events that you have with the ledger, by their ids, and go on after the last one that both have. Send the epoch with every request.")
	ErrProjectionBehind = domainerr.New("PROJECTION_BEHIND", "the projection has not reached the Ledger-Position you asked for",
		"repeat the query after a moment, or look at GET /v1/projections")
	ErrNewerLedger = domainerr.New("NEWER_LEDGER", "the ledger holds an event that a newer version of the program wrote",
		"upgrade this instance, or send the request to one that is upgraded; nothing was changed")
	ErrTooManyStreams = domainerr.New("TOO_MANY_STREAMS", "too many streams of the ledger are open",
		"close a stream, or open one after the time in Retry-After; pages of the ledger can be read meanwhile")
	ErrBusy = domainerr.New("BUSY", "more is asked than can be done right now; nothing was changed",
		"repeat the request after the time in Retry-After, with the same Idempotency-Key")
	ErrUnavailable = domainerr.New("UNAVAILABLE", "storage cannot be reached right now",
		"repeat the request after the time in Retry-After; a command with the same Idempotency-Key, for it may have taken effect")
	ErrTimeout = domainerr.New("TIMEOUT", "the request took too long",
		"repeat the request after the time in Retry-After; a command with the same Idempotency-Key, for it may have taken effect")

	errInternal = domainerr.New("INTERNAL", "",
		"repeat the request; if it fails again, tell the operator the correlation_id")
	errClientGone = domainerr.New("CLIENT_GONE", "the client went away", "")
)

// newerLedger names the event that this version does not know, and what to do about it.
func newerLedger(unknown *event.UnknownTypeError) *domainerr.Error {
	name := shortened(string(unknown.Type))
	return &domainerr.Error{
		Code:    ErrNewerLedger.Code,
		Message: fmt.Sprintf("the event at position %d has the type %s, which a newer version of the program wrote", unknown.Position, name),
		Hint: fmt.Sprintf("upgrade this instance to a version that knows %s, or send the request to an instance that is upgraded; nothing was changed, "+
			"and everything that does not depend on this event is served", name),
	}
}
