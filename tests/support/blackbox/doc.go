// Package blackbox runs the real binary and speaks to it over HTTP, as a stranger would: nothing in here knows what is
// inside. Every answer is checked against the OpenAPI document, and every refusal for having left no trace in the ledger.
package blackbox
