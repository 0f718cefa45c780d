package licenses

import (
	"math"
	"strconv"

	"github.com/licenseledger/licenseledger/readmodels/store"
)

// Sort is the order of a list of licences.
type Sort string

// The orders. Licences without expiry come after all others by expires_at.
const (
	ByIssuedAt     Sort = "issued_at"
	ByExpiresAt    Sort = "expires_at"
	ByCustomerName Sort = "customer_name"
	ByStatus       Sort = "status"
)

// never is how a missing expiry is ordered.
const never = int64(math.MaxInt64)

// key is the expression that is ordered by; an index exists for each.
func (s Sort) key() (string, bool) {
	switch s {
	case ByIssuedAt:
		return "issued_at", true
	case ByExpiresAt:
		return "COALESCE(expires_at, 9223372036854775807)", true
	case ByCustomerName:
		return "customer_name_key", true
	case ByStatus:
		return "status", true
	default:
		return "", false
	}
}

// computed is the same as the key, but no index serves it: to be sorted by when the licences are few.
func (s Sort) computed(key string) string {
	if s == ByCustomerName || s == ByStatus {
		return key + " || ''"
	}
	return key + " + 0"
}

// of is a licence's value of the order, as text.
func (s Sort) of(l License) string {
	switch s {
	case ByExpiresAt:
		if l.ExpiresAt == nil {
			return strconv.FormatInt(never, 10)
		}
		return strconv.FormatInt(l.ExpiresAt.UnixMicro(), 10)
	case ByCustomerName:
		if l.CustomerName == nil {
			return ""
		}
		return CaseFold(*l.CustomerName)
	case ByStatus:
		return l.Status
	case ByIssuedAt:
	}
	return strconv.FormatInt(l.IssuedAt.UnixMicro(), 10)
}

// value turns the text of a cursor back into what the order compares.
func (s Sort) value(text string) (any, error) {
	if s == ByCustomerName || s == ByStatus {
		return text, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, store.ErrBadCursor
	}
	return n, nil
}
