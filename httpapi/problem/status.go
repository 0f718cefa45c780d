package problem

import "net/http"

// status is how a code is shown over HTTP.
type status struct {
	code       int
	title      string
	retryAfter int // seconds; 0: retrying does not help
}

const invalidRequest = "INVALID_REQUEST"

// statusClientGone is logged and counted when the client left before the response.
const statusClientGone = 499

// statusByCode is the one table from problem codes to HTTP.
var statusByCode = map[string]status{
	invalidRequest:           {http.StatusBadRequest, "Invalid request", 0},
	"UNAUTHENTICATED":        {http.StatusUnauthorized, "Not authenticated", 0},
	"FORBIDDEN":              {http.StatusForbidden, "Forbidden", 0},
	"NOT_FOUND":              {http.StatusNotFound, "Not found", 0},
	"LICENSE_NOT_FOUND":      {http.StatusNotFound, "Licence not found", 0},
	"METHOD_NOT_ALLOWED":     {http.StatusMethodNotAllowed, "Method not allowed", 0},
	"REQUEST_TIMEOUT":        {http.StatusRequestTimeout, "Request timeout", 0},
	"PRODUCT_CODE_TAKEN":     {http.StatusConflict, "Product code taken", 0},
	"PLAN_CODE_TAKEN":        {http.StatusConflict, "Plan code taken", 0},
	"LICENSE_EXISTS":         {http.StatusConflict, "Licence exists already", 0},
	"REBUILD_RUNNING":        {http.StatusConflict, "Rebuild is running", 0},
	"EPOCH_CHANGED":          {http.StatusConflict, "Epoch changed", 0},
	"POSITION_BEYOND_HEAD":   {http.StatusConflict, "Position beyond the head", 0},
	"PRECONDITION_FAILED":    {http.StatusPreconditionFailed, "Precondition failed", 0},
	"BODY_TOO_LARGE":         {http.StatusRequestEntityTooLarge, "Body too large", 0},
	"UNSUPPORTED_MEDIA_TYPE": {http.StatusUnsupportedMediaType, "Unsupported media type", 0},
	"HEADERS_TOO_LARGE":      {http.StatusRequestHeaderFieldsTooLarge, "Headers too large", 0},
	"LICENSE_KEY_INVALID":    {http.StatusUnprocessableEntity, "Licence key invalid", 0},
	"LICENSE_SUSPENDED":      {http.StatusUnprocessableEntity, "Licence suspended", 0},
	"LICENSE_EXPIRED":        {http.StatusUnprocessableEntity, "Licence expired", 0},
	"LICENSE_REVOKED":        {http.StatusUnprocessableEntity, "Licence revoked", 0},
	"SEAT_LIMIT_REACHED":     {http.StatusUnprocessableEntity, "Seat limit reached", 0},
	"FINGERPRINT_MISMATCH":   {http.StatusUnprocessableEntity, "Fingerprint mismatch", 0},
	"MACHINE_ALREADY_BOUND":  {http.StatusUnprocessableEntity, "Machine already bound", 0},
	"REBIND_LIMIT_REACHED":   {http.StatusUnprocessableEntity, "Rebind limit reached", 0},
	"DAILY_LIMIT_REACHED":    {http.StatusUnprocessableEntity, "Daily limit reached", 0},
	"INVALID_TRANSITION":     {http.StatusUnprocessableEntity, "Invalid transition", 0},
	"IDEMPOTENCY_KEY_REUSED": {http.StatusUnprocessableEntity, "Idempotency key reused", 0},
	"TOO_MANY_STREAMS":       {http.StatusTooManyRequests, "Too many streams", 5},
	errClientGone.Code:       {statusClientGone, "Client gone", 0},
	errInternal.Code:         {http.StatusInternalServerError, "Internal error", 0},
	"BUSY":                   {http.StatusServiceUnavailable, "Busy", 1},
	"NEWER_LEDGER":           {http.StatusServiceUnavailable, "Newer ledger", 60},
	"PROJECTION_BEHIND":      {http.StatusServiceUnavailable, "Projection behind", 1},
	"TIMEOUT":                {http.StatusServiceUnavailable, "Timeout", 1},
	"UNAVAILABLE":            {http.StatusServiceUnavailable, "Unavailable", 5},
}
