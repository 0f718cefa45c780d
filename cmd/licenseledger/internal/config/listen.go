package config

import "net"

// TLSHint is what to do about a server that other machines reach without TLS.
const TLSHint = "put a proxy with TLS in front of it and let it listen on the proxy's side only: keys travel in clear otherwise"

// BeyondLoopback reports whether other machines can reach an address to listen on, such as ":8080". A name other than localhost counts as
// reachable.
func BeyondLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil || host == "localhost" {
		return err != nil
	}
	ip := net.ParseIP(host)
	return ip == nil || !ip.IsLoopback()
}

// LocalURL is where this machine reaches a server that listens on an address.
func LocalURL(address string) string {
	host, port, err := net.SplitHostPort(address)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		address = net.JoinHostPort("localhost", port)
	}
	return "http://" + address
}
