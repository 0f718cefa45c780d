// Package scenarios runs the real binary and uses it over HTTP and on the command line, as its users do. The packages below support start
// it and what it needs, and speak to it.
package scenarios
