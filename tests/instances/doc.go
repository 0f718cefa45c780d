// Package instances runs scenarios on several servers that share one ledger in PostgreSQL.
package instances
