// Package httpapi serves the ledger over HTTP.
//
// openapi.yaml is the contract and comes first: the types (package api), the client (package client) and the server's
// plumbing (packages commandapi and queryapi) are generated from it, and what an endpoint asks for - a credential, how
// large a body, which parameters - is read from it when the server starts (package contract).
package httpapi
