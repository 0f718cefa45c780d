package rediscache

// namespace tells the ledgers that share a Redis apart. It is part of every name in it, of what is sealed as well.
type namespace string

func (n namespace) prefix() string {
	if n == "" {
		return "licenseledger:"
	}
	return "licenseledger:" + string(n) + ":"
}

// channel is where instances announce that the ledger grew.
func (n namespace) channel() string { return n.prefix() + "grown" }
