// Package httpapi serves the ledger over HTTP.
//
// The contract, openapi.yaml, comes first. The types (package api), the client (package client) and the interfaces of the handlers
// (packages commandapi and queryapi) are generated from it. When the server starts, it reads the rules of each endpoint from it: the
// credential, the size of the body and the parameters (package contract).
package httpapi
