package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/eventstore"
	"github.com/licenseledger/licenseledger/eventstore/sqlite"
)

// Two writers want to add the second event of a stream. One of them is told that the stream has moved on.
func ExampleStore_Append() {
	folder, err := os.MkdirTemp("", "ledger")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	ctx := context.Background()
	ledger, err := sqlite.Open(ctx, filepath.Join(folder, "ledger.db"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = ledger.Close() }()

	happened := func(what string) []event.Pending {
		return []event.Pending{{
			ID: uuid.Must(uuid.NewV7()), Type: event.Type(what), RecordedAt: time.Now().UTC(), Data: []byte("{}"),
			Metadata: event.Metadata{Tenant: "default", Actor: "admin"},
		}}
	}
	first, err := ledger.Append(ctx, "order-1", 0, happened("order.placed.v1"))
	fmt.Println("position", first.Position, "revision", first.Revision, err)
	_, err = ledger.Append(ctx, "order-1", first.Revision, happened("order.paid.v1"))
	fmt.Println(err)
	_, err = ledger.Append(ctx, "order-1", first.Revision, happened("order.cancelled.v1"))
	fmt.Println(errors.Is(err, eventstore.ErrWrongExpectedRevision))
	for e, err := range ledger.ReadStream(ctx, "order-1", 0) {
		fmt.Println(e.Revision, e.Type, err)
	}

	// Output:
	// position 1 revision 1 <nil>
	// <nil>
	// true
	// 1 order.placed.v1 <nil>
	// 2 order.paid.v1 <nil>
}
