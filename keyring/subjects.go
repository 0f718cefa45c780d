package keyring

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/domainerr"
)

// The bounds of what [Keyring.Subjects] takes.
const (
	// MaxIdentityLength is the longest identity, in bytes.
	MaxIdentityLength = 512
	// MaxIdentities is the largest number of identities in one call.
	MaxIdentities = 10_000
)

const (
	subjectsPerCommit = 256    // identities from concurrent callers that share a transaction
	maxWaiting        = 16_384 // callers
)

// Subject returns the subject that stands for a person within a tenant, making it with a key of its own when there is none.
// It is durable when Subject returns. An identity, such as an e-mail address, is the same whatever its case and the blanks
// around it; only a keyed hash of it is stored. After [Keyring.EraseSubject] the same identity is a new subject.
//
// It fails with [domainerr.Invalid] for an identity that is empty, too long or not UTF-8, and with ErrBusy when too many
// callers wait.
func (k *Keyring) Subject(ctx context.Context, tenant, identity string) (uuid.UUID, error) {
	ids, err := k.Subjects(ctx, tenant, []string{identity})
	if err != nil {
		return uuid.Nil, err
	}
	return ids[0], nil
}

// Subjects is [Keyring.Subject] for many identities in one transaction: all are there when it returns, or none was made.
// Concurrent calls share transactions.
func (k *Keyring) Subjects(ctx context.Context, tenant string, identities []string) ([]uuid.UUID, error) {
	if len(identities) == 0 {
		return nil, nil
	}
	request := &subjectRequest{tenant: tenant, done: make(chan struct{})}
	if err := k.addLookups(request, identities); err != nil {
		return nil, err
	}
	if !k.waiting.add(request) {
		return nil, ErrBusy
	}
	if err := k.awaitSubjects(ctx, request); err != nil {
		return nil, fmt.Errorf("find or make subjects: %w", err)
	}
	return request.ids, nil
}

func (k *Keyring) addLookups(request *subjectRequest, identities []string) error {
	var check domainerr.Check
	check.Require(len(identities) <= MaxIdentities, "", "must be at most 10000 identities")
	if err := check.Err(); err != nil {
		return err
	}
	for _, identity := range identities {
		identity = strings.TrimSpace(identity)
		check.Require(identity != "" && len(identity) <= MaxIdentityLength && utf8.ValidString(identity), "", "must be 1 to 512 bytes of UTF-8")
		if err := check.Err(); err != nil {
			return err
		}
		request.lookups = append(request.lookups, k.subjectIdentity.mac(request.tenant, strings.ToLower(identity)))
	}
	return nil
}

// subjectRequest is one call of Subjects. After done is closed, ids and err are its answer.
type subjectRequest struct {
	tenant  string
	lookups [][]byte
	ids     []uuid.UUID
	err     error
	done    chan struct{}
}

// subjectQueue holds the requests that no transaction has taken up yet, in order of arrival.
type subjectQueue struct {
	mu       sync.Mutex
	requests []*subjectRequest
}

func (q *subjectQueue) add(r *subjectRequest) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.requests) >= maxWaiting {
		return false
	}
	q.requests = append(q.requests, r)
	return true
}

// take removes the next requests, for one transaction.
func (q *subjectQueue) take() []*subjectRequest {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, identities := 0, 0
	for n < len(q.requests) && (n == 0 || identities+len(q.requests[n].lookups) <= subjectsPerCommit) {
		identities += len(q.requests[n].lookups)
		n++
	}
	batch := slices.Clone(q.requests[:n])
	q.requests = slices.Delete(q.requests, 0, n)
	return batch
}

// withdraw removes a request that nobody waits for any more.
func (q *subjectQueue) withdraw(r *subjectRequest) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if i := slices.Index(q.requests, r); i >= 0 {
		q.requests = slices.Delete(q.requests, i, i+1)
	}
}

// awaitSubjects waits for the request's answer. Whoever of the waiting gets the writing token runs the next transaction, for
// everyone who has queued up to then; that is all the scheduling there is.
func (k *Keyring) awaitSubjects(ctx context.Context, request *subjectRequest) error {
	for {
		select {
		case <-request.done:
			return request.err
		case <-ctx.Done():
			k.waiting.withdraw(request)
			return ctx.Err()
		case k.writing <- struct{}{}:
			k.commitSubjects(context.WithoutCancel(ctx), k.waiting.take()) // others' answers depend on it too
			<-k.writing
		}
	}
}

func (k *Keyring) commitSubjects(ctx context.Context, batch []*subjectRequest) {
	if len(batch) == 0 {
		return
	}
	now := k.now()
	made := map[uuid.UUID]*subjectKey{}
	err := k.transact(ctx, func(tx *sql.Tx) error {
		for _, w := range sortedForLocking(batch) {
			id, err := k.findOrMakeSubject(ctx, tx, w.request.tenant, w.request.lookups[w.index], now, made)
			if err != nil {
				return err
			}
			w.request.ids[w.index] = id
		}
		return nil
	}, func() {
		for id, key := range made {
			k.subjectKeys.Set(id, key)
		}
	})
	for _, r := range batch {
		r.err = err
		close(r.done)
	}
}

// lookup is one of a request's identities.
type lookup struct {
	request *subjectRequest
	index   int
}

// sortedForLocking returns the identities of all requests in the order that every process makes subjects in: two that make the same ones
// at once wait for each other, but never in a circle.
func sortedForLocking(batch []*subjectRequest) []lookup {
	var all []lookup
	for _, r := range batch {
		r.ids = make([]uuid.UUID, len(r.lookups))
		for i := range r.lookups {
			all = append(all, lookup{request: r, index: i})
		}
	}
	slices.SortStableFunc(all, func(a, b lookup) int {
		return bytes.Compare(a.request.lookups[a.index], b.request.lookups[b.index])
	})
	return all
}

func (k *Keyring) findOrMakeSubject(ctx context.Context, tx *sql.Tx, tenant string, lookup []byte, now time.Time,
	made map[uuid.UUID]*subjectKey,
) (uuid.UUID, error) {
	for {
		var found uuid.UUID
		err := tx.QueryRowContext(ctx, `SELECT id FROM subjects WHERE lookup = $1`, lookup).Scan(&found)
		if err == nil {
			return found, nil
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return uuid.Nil, unavailable("find subject", err)
		}
		id, key, err := k.makeSubject(ctx, tx, tenant, lookup, now)
		if err != nil {
			return uuid.Nil, err
		}
		if key != nil {
			made[id] = &subjectKey{key: key, since: now}
			return id, nil
		}
	}
}

// makeSubject stores a new subject. It returns no key when another process has made one for the same identity meanwhile; that one
// is found now, unless it was erased at once.
func (k *Keyring) makeSubject(ctx context.Context, tx *sql.Tx, tenant string, lookup []byte, now time.Time) (uuid.UUID, *secret, error) {
	id, err := uuid.NewRandomFromReader(k.random)
	if err != nil {
		return uuid.Nil, nil, fmt.Errorf("make a subject id: %w", err)
	}
	key, err := newSecret(k.random)
	if err != nil {
		return uuid.Nil, nil, fmt.Errorf("make a subject key: %w", err)
	}
	sealed, err := seal(k.subjectSealer, k.random, key[:], subjectName(id, tenant, lookup))
	if err != nil {
		return uuid.Nil, nil, fmt.Errorf("seal a subject key: %w", err)
	}
	result, err := tx.ExecContext(ctx, `INSERT INTO subjects (id, tenant, lookup, sealed, created_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (lookup) DO NOTHING`, id, tenant, lookup, sealed, now.UnixMicro())
	if err != nil {
		return uuid.Nil, nil, unavailable("store subject", err)
	}
	stored, err := result.RowsAffected()
	if err != nil || stored == 0 {
		return uuid.Nil, nil, err
	}
	return id, key, nil
}

func subjectName(id uuid.UUID, tenant string, lookup []byte) []byte {
	return lengthPrefixed("subjects", id.String(), tenant, string(lookup))
}
