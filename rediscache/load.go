package rediscache

import (
	"context"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/license"
)

// maxValue bounds what is saved and what is read, in bytes. Licences of several thousand machines are larger; they are folded.
const maxValue = 4 << 20

// revisionDigits begin every value, so that Redis can tell an older snapshot from a newer one; the sealed snapshot follows.
const revisionDigits = 20

// Load returns a licence as some instance folded it not long ago, nil when there is none or Redis does not answer in time.
func (c *Cache) Load(ctx context.Context, id uuid.UUID) *license.Stream {
	var value string
	err := c.call(ctx, c.timeout, func(ctx context.Context) (err error) {
		value, err = c.client.GetRange(ctx, c.space.key(id), 0, maxValue-1).Result()
		return err
	})
	if err != nil {
		return nil
	}
	if value == "" {
		c.metrics.loaded(missed)
		return nil
	}
	s := c.open(id, value)
	if s == nil {
		c.metrics.loaded(rejected)
		return nil
	}
	c.metrics.loaded(hit)
	return s
}

// open returns what was sealed for a licence by one who has the keys, nil for anything else.
func (c *Cache) open(id uuid.UUID, value string) *license.Stream {
	if len(value) < revisionDigits {
		return nil
	}
	text, err := c.sealer.OpenCached([]byte(value[revisionDigits:]), c.space.sealedName(id)...)
	if err != nil {
		return nil
	}
	s, err := license.Restore(text)
	if err != nil {
		return nil
	}
	return s
}
