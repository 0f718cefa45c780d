package problem

import (
	"fmt"

	"github.com/licenseledger/licenseledger/domain/domainerr"
	"github.com/licenseledger/licenseledger/domain/event"
)

// The refusals of the HTTP layer itself.
var (
	ErrNoSuchPath = domainerr.New("NOT_FOUND", "there is no such path",
		"compare the path with the documentation at /docs")
	ErrNotFound = domainerr.New("NOT_FOUND", "the resource was not found",
		"check the id; if it was created a moment ago, send the Ledger-Position of the command with the query")
	ErrMethodNotAllowed = domainerr.New("METHOD_NOT_ALLOWED", "the path does not allow this method",
		"use one of the methods in the Allow header")
	ErrRequestTimeout = domainerr.New("REQUEST_TIMEOUT", "the request did not arrive in time; it was not processed",
		"send the request again, and all of its body at once")
	ErrHeadersTooLarge = domainerr.New("HEADERS_TOO_LARGE", "the request line and the headers are larger than the server accepts",
		"send fewer or shorter headers, or a shorter address")
	ErrBodyTooLarge = domainerr.New("BODY_TOO_LARGE", "the body is larger than this endpoint accepts",
		"send less in one request; split a batch of licences")
	ErrUnsupportedMediaType = domainerr.New("UNSUPPORTED_MEDIA_TYPE", "Content-Type must be application/json",
		"send Content-Type: application/json")
	ErrKeyRejected = domainerr.New("UNAUTHENTICATED", "the API key is not valid",
		"check the key; on first start it was stored as admin.key in the data directory")
	ErrLicenseKeyMissing = domainerr.New("UNAUTHENTICATED", "neither an API key nor a licence key was sent",
		"send license_key in the body, or an API key as \"Authorization: Bearer …\"")
	ErrRebuildRunning = domainerr.New("REBUILD_RUNNING", "the projection is already being rebuilt",
		"follow its progress with GET /v1/projections")
	ErrEpochChanged = domainerr.New("EPOCH_CHANGED", "the ledger was restored or moved since this position was read",
		"compare the last events that you have with the ledger, by their ids, "+
			"and continue after the last one that both have, with the new epoch; or start again after 0")
	ErrBeyondHead = domainerr.New("POSITION_BEYOND_HEAD",
		"the ledger has no such position: it was restored to an earlier state since this position was read",
		"compare the last events that you have with the ledger, by their ids, "+
			"and continue after the last one that both have; send the epoch with every request")
	ErrProjectionBehind = domainerr.New("PROJECTION_BEHIND", "the projection has not reached the requested Ledger-Position",
		"repeat the query after a moment, or look at GET /v1/projections")
	ErrNewerLedger = domainerr.New("NEWER_LEDGER", "the ledger holds an event that a newer version of the program wrote",
		"upgrade this instance, or send the request to one that is upgraded; nothing was changed")
	ErrTooManyStreams = domainerr.New("TOO_MANY_STREAMS", "too many streams of the ledger are open",
		"close a stream, or open one after the time in Retry-After; pages of the ledger can be read meanwhile")
	ErrBusy = domainerr.New("BUSY", "the server is overloaded; the request was not processed",
		"retry after the time in Retry-After, with the same Idempotency-Key")
	ErrUnavailable = domainerr.New("UNAVAILABLE", "the storage is not available",
		"retry after the time in Retry-After; repeat a command with the same Idempotency-Key, because it may have taken effect")
	ErrTimeout = domainerr.New("TIMEOUT", "the request took too long",
		"retry after the time in Retry-After; repeat a command with the same Idempotency-Key, because it may have taken effect")

	errInternal = domainerr.New("INTERNAL", "",
		"repeat the request; if it fails again, give the correlation_id to the operator")
	errClientGone = domainerr.New("CLIENT_GONE", "the client closed the connection", "")
)

// newerLedger names the event that this version does not know, and what to do about it.
func newerLedger(unknown *event.UnknownTypeError) *domainerr.Error {
	name := shortened(string(unknown.Type))
	return &domainerr.Error{
		Code:    ErrNewerLedger.Code,
		Message: fmt.Sprintf("the event at position %d has the type %s, which a newer version of the program wrote", unknown.Position, name),
		Hint: fmt.Sprintf("upgrade this instance to a version that knows %s, or send the request to an instance that is upgraded; "+
			"nothing was changed, "+
			"and everything that does not depend on this event is served", name),
	}
}
