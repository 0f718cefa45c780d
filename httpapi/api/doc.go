// Package api has the types of all requests and responses of the HTTP API. Most are generated from openapi.yaml.
package api
