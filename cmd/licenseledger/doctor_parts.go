package main

import "strings"

// examineParts looks for a ledger that has names of its own on some of its servers only. If another ledger has the defaults there, the
// two mix their rows or their keys.
func (d *diagnosis) examineParts(c config) {
	var named, byDefault []string
	for _, p := range []struct {
		name string
		at   location
	}{{"eventstore", c.EventStore}, {"readmodels", c.ReadModels}, {"keys", c.Keys}} {
		setting := p.name + "_schema"
		if p.at.engine == engineESDB {
			setting = p.name + "_stream_prefix"
		}
		switch {
		case !p.at.shared():
		case p.at.part() == "":
			byDefault = append(byDefault, setting)
		default:
			named = append(named, setting)
		}
	}
	if len(named) > 0 && len(byDefault) > 0 {
		d.warn("several ledgers", "there is a name of its own in "+strings.Join(named, ", ")+", but the default in "+strings.Join(byDefault, ", "),
			"set these as well, unless this is the only ledger that has the default there")
	}
}
