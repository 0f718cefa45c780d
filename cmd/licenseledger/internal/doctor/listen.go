package doctor

import "github.com/licenseledger/licenseledger/cmd/licenseledger/internal/config"

// examineListen warns of an address that other machines reach: the server speaks HTTP without TLS.
func (d *examination) examineListen(c config.Config) {
	const check = "listen"
	if config.BeyondLoopback(c.Listen) {
		d.Warn(check, c.Listen+" can be reached by other machines, without TLS", config.TLSHint)
		return
	}
	d.OK(check, c.Listen+" can be reached by this machine only")
}
