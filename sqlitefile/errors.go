package sqlitefile

import (
	"errors"

	"modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"
)

// Damaged reports whether an error of the driver says that the file is not what was written. It stays.
func Damaged(err error) bool {
	var failure *sqlite.Error
	if !errors.As(err, &failure) {
		return false
	}
	switch failure.Code() {
	case codes.SQLITE_IOERR_CORRUPTFS, codes.SQLITE_IOERR_DATA:
		return true
	}
	switch primary(failure) {
	case codes.SQLITE_CORRUPT, codes.SQLITE_NOTADB:
		return true
	default:
		return false
	}
}

// Unavailable reports whether an error of the driver is about circumstances that may pass: the disk is full, read only, slow or
// gone, others hold locks, memory is short. Codes are those of https://www.sqlite.org/rescode.html.
func Unavailable(err error) bool {
	var failure *sqlite.Error
	if !errors.As(err, &failure) || Damaged(err) {
		return false
	}
	switch primary(failure) {
	case codes.SQLITE_BUSY, codes.SQLITE_LOCKED, codes.SQLITE_PROTOCOL, // others are at work
		codes.SQLITE_IOERR, codes.SQLITE_FULL, codes.SQLITE_CANTOPEN, codes.SQLITE_READONLY, codes.SQLITE_PERM, // the disk
		codes.SQLITE_NOMEM:
		return true
	default:
		return false
	}
}

// primary is what a code is a case of.
func primary(failure *sqlite.Error) int { return failure.Code() & 0xff }
