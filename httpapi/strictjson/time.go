package strictjson

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"time"
)

// timePattern is date-time of RFC 3339, section 5.6. Package time accepts more, and not all of it: no lower case.
var timePattern = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:(\d{2})(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

var errNotATime = errors.New("not a time")

// parseTime reads a time in the form of RFC 3339. A leap second is the second after it, since the clocks of computers have none.
func parseTime(raw json.RawMessage) (time.Time, error) {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return time.Time{}, err
	}
	parts := timePattern.FindStringSubmatchIndex(text)
	if parts == nil {
		return time.Time{}, errNotATime
	}
	const seconds = 2 // the first group
	leap := text[parts[seconds]:parts[seconds+1]] == "60"
	if leap {
		text = text[:parts[seconds]] + "59" + text[parts[seconds+1]:]
	}
	at, err := time.Parse(time.RFC3339, strings.ToUpper(text))
	if err != nil || !leap {
		return at, err
	}
	after := at.Add(time.Second)
	if utc := after.UTC(); utc.Day() != 1 || utc.Hour() != 0 || utc.Minute() != 0 || utc.Second() != 0 {
		return time.Time{}, errNotATime // leap seconds end months
	}
	return after, nil
}
