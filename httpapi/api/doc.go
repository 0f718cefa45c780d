// Package api holds the types of everything that is sent to the HTTP API and answered by it. Most are generated from
// openapi.yaml.
package api
