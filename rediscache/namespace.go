package rediscache

// namespace identifies a ledger among those that share a Redis. It is part of every key, and of the name under which values are sealed.
type namespace string

func (n namespace) prefix() string {
	if n == "" {
		return "licenseledger:"
	}
	return "licenseledger:" + string(n) + ":"
}

// channel returns the channel on which instances announce that they appended to the ledger.
func (n namespace) channel() string { return n.prefix() + "grown" }
