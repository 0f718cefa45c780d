// Package process runs the real binary: as a server that can be stopped, killed and started again, and as a command line.
package process
