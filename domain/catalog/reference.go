package catalog

import "github.com/google/uuid"

// idLength is how many characters an id has in text (RFC 9562, section 4).
const idLength = 36

// ParseID reads an id in the form of RFC 9562, in either letter case. A code may look like an id:
// what names a product or a plan is an id if there is one, and a code otherwise.
func ParseID(s string) (id uuid.UUID, is bool) {
	if len(s) != idLength {
		return uuid.UUID{}, false
	}
	id, err := uuid.Parse(s)
	return id, err == nil
}
