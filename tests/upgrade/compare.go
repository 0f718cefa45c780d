package upgrade

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Differences lists what is not as it was answered before. Members that were added are no difference; any that is missing or has
// another value is, but for those that may differ:
//
//   - Words for people (title, detail, hint, summary, message) may be put better. They must be there.
//   - A cursor is the server's own. It must be there, or not, as before.
//   - Events that time brought about after the ledger was kept (their position is beyond Head) were recorded by whoever opened it, and so
//     have ids and times of their own.
//   - A certificate must have the same claims and a good signature of the same key. Its bytes may differ.
func (a Answers) Differences(was, is Answer) []string {
	d := differences{head: float64(a.Head), keys: a.keys()}
	if was.Status != is.Status {
		d.add("status", was.Status, is.Status)
	}
	for name, value := range was.Headers {
		if is.Headers[name] != value {
			d.add("header "+name, value, is.Headers[name])
		}
	}
	d.compare("", decode(was.Body), decode(is.Body))
	return d.found
}

type differences struct {
	head  float64 // positions beyond it are of the opened ledger
	keys  publicKeys
	found []string
}

func (d *differences) add(path string, was, is any) {
	d.found = append(d.found, fmt.Sprintf("%s was %.300v, is %.300v", path, was, is))
}

var (
	words    = []string{"title", "detail", "hint", "summary", "message"}
	ofItsOwn = []string{"id", "event_id", "recorded_at", "correlation_id", "causation_id", "command_id"}
)

// compare compares two JSON values.
func (d *differences) compare(path string, was, is any) {
	switch was := was.(type) {
	case map[string]any:
		members, same := is.(map[string]any)
		if !same {
			d.add(path, was, is)
			return
		}
		position, _ := was["position"].(float64)
		for _, name := range slices.Sorted(maps.Keys(was)) {
			d.member(path+"."+name, name, was[name], members, position > d.head)
		}
	case []any:
		items, same := is.([]any)
		if !same || len(was) != len(items) {
			d.add(path, was, is)
			return
		}
		for i := range was {
			d.compare(fmt.Sprintf("%s[%d]", path, i), was[i], items[i])
		}
	default:
		if was != is {
			d.add(path, was, is)
		}
	}
}

// member compares a member of an object; recorded says that it belongs to an event which whoever opened the ledger recorded.
func (d *differences) member(path, name string, was any, of map[string]any, recorded bool) {
	is, there := of[name]
	switch {
	case !there:
		d.add(path, was, "missing")
	case slices.Contains(words, name) && is != "":
	case name == "next_cursor" && (was == nil) == (is == nil):
	case recorded && slices.Contains(ofItsOwn, name):
	case name == "certificate":
		before, err := d.keys.claims(was)
		if err != nil {
			d.add(path, err, is)
		}
		now, err := d.keys.claims(is)
		if err != nil {
			d.add(path, was, err)
		}
		d.compare(path, before, now)
	default:
		d.compare(path, was, is)
	}
}

func decode(text json.RawMessage) (value any) {
	_ = json.Unmarshal(text, &value) // Send wants valid JSON
	return value
}
