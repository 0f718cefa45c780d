// Package client is the Go client of the HTTP API, generated from openapi.yaml.
package client
