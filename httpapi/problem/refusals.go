package problem

import "github.com/licenseledger/licenseledger/domain/refusal"

// The refusals of the HTTP layer itself.
var (
	ErrNoSuchPath = refusal.New("NOT_FOUND", "there is nothing at this path",
		"compare the path with the documentation at /docs")
	ErrNotFound = refusal.New("NOT_FOUND", "there is no such thing",
		"check the id; if it was made a moment ago, send the Ledger-Position of its command with the query")
	ErrMethodNotAllowed = refusal.New("METHOD_NOT_ALLOWED", "the path does not take this method",
		"use one of the methods in the Allow header")
	ErrBodyTooLarge = refusal.New("BODY_TOO_LARGE", "the body is larger than this endpoint accepts",
		"send less at once; a batch of licences may be split")
	ErrUnsupportedMediaType = refusal.New("UNSUPPORTED_MEDIA_TYPE", "the body is not declared as JSON",
		"send Content-Type: application/json")
	ErrKeyRejected = refusal.New("UNAUTHENTICATED", "the API key is not valid",
		"check the key; on first start it was stored as admin.key in the data directory")
	ErrLicenseKeyMissing = refusal.New("UNAUTHENTICATED", "neither an API key nor a licence key was sent",
		"send license_key in the body, or an API key as \"Authorization: Bearer …\"")
	ErrRebuildRunning = refusal.New("REBUILD_RUNNING", "the projection is being rebuilt already",
		"follow its progress with GET /v1/projections")
	ErrProjectionBehind = refusal.New("PROJECTION_BEHIND", "the projection has not reached the Ledger-Position you asked for",
		"repeat the query after a moment, or look at GET /v1/projections")
	ErrTooManyStreams = refusal.New("TOO_MANY_STREAMS", "too many streams of the ledger are open",
		"close a stream, or open one after the time in Retry-After; pages of the ledger can be read meanwhile")
	ErrBusy = refusal.New("BUSY", "more is asked than can be done right now; nothing was changed",
		"repeat the request after the time in Retry-After, with the same Idempotency-Key")
	ErrUnavailable = refusal.New("UNAVAILABLE", "storage cannot be reached right now",
		"repeat the request after the time in Retry-After; a command with the same Idempotency-Key, for it may have taken effect")
	ErrTimeout = refusal.New("TIMEOUT", "the request took too long",
		"repeat the request after the time in Retry-After; a command with the same Idempotency-Key, for it may have taken effect")

	errInternal = refusal.New("INTERNAL", "",
		"repeat the request; if it fails again, tell the operator the correlation_id")
	errClientGone = refusal.New("CLIENT_GONE", "the client went away", "")
)
