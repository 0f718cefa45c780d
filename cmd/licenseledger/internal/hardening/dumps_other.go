//go:build !linux

package hardening

func forbidDumps() error { return nil }
