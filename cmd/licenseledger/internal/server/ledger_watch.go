package server

import (
	"context"
	"time"

	"github.com/licenseledger/licenseledger/cmd/licenseledger/internal/backends"
)

// witnessInterval is how often the keys store the ledger's head.
const witnessInterval = 2 * time.Second

// watchLedger stores the ledger's head with the keys. It ends the server when the ledger was put back to an earlier state or began
// another epoch: what this process knows of the ledger is wrong then.
func (s *Server) watchLedger(ctx context.Context) {
	ticker := time.NewTicker(witnessInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := s.backends.AdvanceWitness(ctx)
		switch {
		case err == nil || ctx.Err() != nil:
		case backends.IsMismatch(err):
			s.failed <- backends.ExplainMismatch(err)
			return
		default:
			s.logger.WarnContext(ctx, "the ledger's head could not be stored with the keys; trying again", "error", err)
		}
	}
}
