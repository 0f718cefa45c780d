package postgres

import (
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/diagnosis"
	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/engine"
	"github.com/licenseledger/licenseledger/pgconnect"
)

// checkEncryption warns if a connection string lets data travel to another machine without TLS: with the sslmodes disable, allow and
// prefer, the last of which is the default (https://www.postgresql.org/docs/current/libpq-ssl.html#LIBPQ-SSL-PROTECTION).
func checkEncryption(d *diagnosis.Report, check string, at engine.Endpoint) {
	config, err := pgconnect.Parse(at.Text, at.Namespace, nil, nil)
	if err != nil {
		return // connecting fails with it, too
	}
	first := config.ConnConfig
	attempts := append([]*pgconn.FallbackConfig{{Host: first.Host, TLSConfig: first.TLSConfig}}, first.Fallbacks...)
	for _, a := range attempts {
		if a.TLSConfig == nil && !isLocal(a.Host) {
			d.Warn(check, "connections to "+a.Host+" may be without TLS (sslmode disable, allow or prefer)",
				"set sslmode=verify-full in the connection string")
			return
		}
	}
	d.OK(check, "connections to other machines are with TLS")
}

// isLocal reports whether a host is this machine: a folder of sockets or a loopback address.
func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") || host == "localhost" || ip != nil && ip.IsLoopback()
}
