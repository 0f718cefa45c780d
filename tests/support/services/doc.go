// Package services starts the servers that tests need: private ones, in temporary folders, by an unprivileged user, which end
// with the test binary whatever becomes of it. A server that cannot be started is an error, never a reason to skip.
package services
