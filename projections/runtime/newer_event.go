package runtime

import (
	"context"

	"github.com/licenseledger/licenseledger/readmodels/store"
)

// newerEvent records that the next event of a projection is one that only a newer version of the program knows. The zero value records
// nothing.
type newerEvent struct {
	met      bool
	position uint64 // of the projection
	unowned  bool   // the projection has had no owner since
}

// releaseToNewer gives up a projection that this version cannot continue, so that an instance of a newer version can acquire it at once.
func (w *worker) releaseToNewer(ctx context.Context, at store.Checkpoint) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
	defer cancel()
	if err := w.db.Release(ctx, at); err != nil {
		w.logger.WarnContext(ctx, "the projection could not be released for an instance of a newer version", "error", err)
		return // this instance owns it until it ends
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.own, w.newer = false, newerEvent{met: true, position: at.Position, unowned: true}
}

// standsBeforeNewer reports whether the next event of a projection is still one of a newer version, so that this version cannot
// continue it.
func (w *worker) standsBeforeNewer(found store.Ownership) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.newer.met && found.Position != w.newer.position {
		w.newer = newerEvent{}
	}
	w.newer.unowned = w.newer.met && found.Owner == ""
	return w.newer.met
}
