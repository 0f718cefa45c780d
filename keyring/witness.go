package keyring

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/event"
	"github.com/licenseledger/licenseledger/migrations"
)

// Witness is what a keys database remembers of the ledger that its keys belong to: whose it is, in which epoch, and the last event
// of it that was seen. It lies apart from the ledger, so it can tell when the ledger is another one, or lacks events that
// it had. The zero Witness has seen no ledger.
type Witness struct {
	Installation uuid.UUID
	Epoch        uuid.UUID
	Position     event.Position // 0: the ledger was empty
	Hash         event.Hash     // of the event at that position
}

// witnessVersion is the version of the tables that brought the witness.
const witnessVersion = 2

// Witness returns what the database remembers of its ledger.
func (d *Database) Witness(ctx context.Context) (w Witness, err error) {
	ctx, cancel := d.bounded(ctx)
	defer cancel()
	if d.version < witnessVersion {
		return Witness{}, nil
	}
	var hash string
	err = d.QueryRowContext(ctx, `SELECT installation, epoch, position, event_hash FROM witness`).
		Scan(&w.Installation, &w.Epoch, &w.Position, &hash)
	if errors.Is(err, sql.ErrNoRows) {
		return Witness{}, nil
	}
	if err != nil {
		return Witness{}, unavailable("read the witness", err)
	}
	if w.Position > 0 {
		if w.Hash, err = event.ParseHash(hash); err != nil {
			return Witness{}, fmt.Errorf("%w: read the witness: %w", ErrDamaged, err)
		}
	}
	return w, nil
}

// SetWitness replaces what the database remembers of its ledger.
func (d *Database) SetWitness(ctx context.Context, w Witness) error {
	return d.write(ctx, `INSERT INTO witness (id, installation, epoch, position, event_hash) VALUES (1, $1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET installation = excluded.installation, epoch = excluded.epoch,
			position = excluded.position, event_hash = excluded.event_hash`,
		w.Installation.String(), w.Epoch.String(), int64(w.Position), w.hash())
}

// AdvanceWitness records a later event of the same epoch. It does nothing when the database remembers another epoch or has seen a later
// event: several processes advance it.
func (d *Database) AdvanceWitness(ctx context.Context, w Witness) error {
	return d.write(ctx, `UPDATE witness SET position = $1, event_hash = $2 WHERE installation = $3 AND epoch = $4 AND position < $5`,
		int64(w.Position), w.hash(), w.Installation.String(), w.Epoch.String(), int64(w.Position))
}

func (d *Database) write(ctx context.Context, statement string, args ...any) error {
	ctx, cancel := d.bounded(ctx)
	defer cancel()
	if _, err := d.ExecContext(ctx, statement, args...); err != nil {
		return unavailable("store the witness", err)
	}
	return nil
}

// hash is the event's hash as stored; empty for an empty ledger.
func (w Witness) hash() string {
	if w.Position == 0 {
		return ""
	}
	return w.Hash.String()
}

// HoldsKeys reports whether the database holds anything that a master key sealed.
func (d *Database) HoldsKeys(ctx context.Context) (bool, error) {
	ctx, cancel := d.bounded(ctx)
	defer cancel()
	return holdsKeys(ctx, d)
}

// HoldsSigningKey reports whether the database holds the private half of a signing key.
func (d *Database) HoldsSigningKey(ctx context.Context, id string) (held bool, err error) {
	ctx, cancel := d.bounded(ctx)
	defer cancel()
	if err := d.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM signing_keys WHERE key_id = $1)`, id).Scan(&held); err != nil {
		return false, unavailable("look for a signing key", err)
	}
	return held, nil
}

// SigningKeys returns how many signing keys the database holds.
func (d *Database) SigningKeys(ctx context.Context) (n int, err error) {
	ctx, cancel := d.bounded(ctx)
	defer cancel()
	if err := d.QueryRowContext(ctx, `SELECT count(*) FROM signing_keys`).Scan(&n); err != nil {
		return 0, unavailable("count the signing keys", err)
	}
	return n, nil
}

// SigningKeyIDs returns the ids of all signing keys.
func (d *Database) SigningKeyIDs(ctx context.Context) (map[string]bool, error) {
	return idsOf[string](ctx, d, `SELECT key_id FROM signing_keys`)
}

// SubjectIDs returns the ids of all subjects, erased ones included.
func (d *Database) SubjectIDs(ctx context.Context) (map[uuid.UUID]bool, error) {
	return idsOf[uuid.UUID](ctx, d, `SELECT id FROM subjects`)
}

func idsOf[ID comparable](ctx context.Context, d *Database, query string) (_ map[ID]bool, err error) {
	rows, err := d.QueryContext(ctx, query)
	if err != nil {
		return nil, unavailable("read the ids of keys", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	ids := map[ID]bool{}
	for rows.Next() {
		var id ID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("read the ids of keys: %w", err)
		}
		ids[id] = true
	}
	if err := rows.Err(); err != nil {
		return nil, unavailable("read the ids of keys", err)
	}
	return ids, nil
}

// inspectTimeout bounds a question to a database that is only looked into.
const inspectTimeout = 15 * time.Second

// Inspect returns a database that is only looked into: nothing is made and nothing upgraded. It fails with the errors of
// [migrations.RequireReadable]. The caller closes db.
func Inspect(ctx context.Context, db *sql.DB, dialect migrations.Dialect) (*Database, error) {
	version, err := migrations.RequireReadable(ctx, db, dialect, migrations.Keys)
	if err != nil {
		return nil, err
	}
	var e engine = sqliteEngine{}
	if dialect == migrations.PostgreSQL {
		e = postgresEngine{}
	}
	return &Database{DB: db, engine: e, timeout: inspectTimeout, version: version}, nil
}
