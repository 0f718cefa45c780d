// Package catalog is the read model of products, their signing keys and their plans.
package catalog

import (
	"embed"

	"github.com/licenseledger/licenseledger/readmodels/store"
)

//go:embed sqlite.sql postgres.sql
var schema embed.FS

// Definition describes the tables.
var Definition = store.Definition{Name: "catalog", Version: 3, Schema: schema, Tables: []store.Table{
	{Name: "products", Key: "id", Order: []string{"registered_position"}},
	{Name: "signing_keys", Key: "id", Order: []string{"added_position"}},
	{Name: "plans", Key: "id", Order: []string{"published_position"}},
}}

// Queries answers questions about the catalog. Each is limited to one tenant unless it says otherwise.
type Queries struct{ db *store.DB }

// New returns the queries of a database.
func New(db *store.DB) Queries { return Queries{db} }
