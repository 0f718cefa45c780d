package keyring

import (
	"context"
	"crypto"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/catalog"
)

// SubjectsPerCommit is how many identities share a transaction.
const SubjectsPerCommit = subjectsPerCommit

// StoreSigningKey stores a given private key, so that goldens can have a fixed one.
func (k *Keyring) StoreSigningKey(ctx context.Context, product uuid.UUID, algorithm catalog.Algorithm,
	private crypto.Signer) (catalog.SigningKey, error) {
	return k.storeSigningKey(ctx, "default", product, algorithm, private)
}

// HoldWriting keeps everyone from writing until the returned function is called.
func (k *Keyring) HoldWriting() (release func()) {
	k.writing <- struct{}{}
	return func() { <-k.writing }
}

// Waiting is the number of callers of Subjects that no transaction has taken up.
func (k *Keyring) Waiting() int {
	k.waiting.mu.Lock()
	defer k.waiting.mu.Unlock()
	return len(k.waiting.requests)
}

// FillWaiting queues as many callers as are let in.
func (k *Keyring) FillWaiting() {
	for i := 0; k.waiting.add(&subjectRequest{tenant: strconv.Itoa(i), done: make(chan struct{})}); i++ {
		continue
	}
}

// TakeSizes queues requests of the given numbers of identities and returns how many requests each transaction takes.
func (k *Keyring) TakeSizes(identities ...int) []int {
	for _, n := range identities {
		k.waiting.add(&subjectRequest{lookups: make([][]byte, n), done: make(chan struct{})})
	}
	var sizes []int
	for k.Waiting() > 0 {
		sizes = append(sizes, len(k.waiting.take()))
	}
	return sizes
}

// Thumbprint returns the RFC 7638 thumbprint of a public key.
func Thumbprint(public crypto.PublicKey) (string, error) {
	key, err := newJWK(public)
	return key.thumbprint(), err
}

// CopiedColumns is what a copy takes: the columns of each table, as they are listed.
func CopiedColumns() map[string][]string {
	all := map[string][]string{}
	for _, t := range tables() {
		all[t.name] = strings.Split(t.columns, ", ")
	}
	return all
}
