// Package tests plays whole scenarios on the real binary, over HTTP and on the command line. Package process runs it,
// blackbox speaks to it; crash kills it, load measures it.
package tests
