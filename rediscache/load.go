package rediscache

import (
	"context"

	"github.com/google/uuid"

	"github.com/licenseledger/licenseledger/domain/license"
)

// maxValue is the maximum size of a value, in bytes. Licences with several thousand machines are larger and are not cached.
const maxValue = 4 << 20

// revisionDigits is the length of the revision at the start of a value, by which Redis compares snapshots. The sealed snapshot follows.
const revisionDigits = 20

// Load returns a licence as an instance has saved it, nil if there is none or Redis does not answer in time.
func (c *Cache) Load(ctx context.Context, id uuid.UUID) *license.Stream {
	var value string
	err := c.call(ctx, c.timeout, func(ctx context.Context) (err error) {
		value, err = c.client.GetRange(ctx, c.keys.key(id), 0, maxValue-1).Result()
		return err
	})
	if err != nil {
		return nil
	}
	if value == "" {
		c.metrics.countLoad(missed)
		return nil
	}
	s := c.open(id, value)
	if s == nil {
		c.metrics.countLoad(rejected)
		return nil
	}
	c.metrics.countLoad(hit)
	return s
}

// open unseals the value of a licence. It returns nil if the value was not sealed for this licence with the keys of the sealer.
func (c *Cache) open(id uuid.UUID, value string) *license.Stream {
	if len(value) < revisionDigits {
		return nil
	}
	text, err := c.sealer.OpenCached([]byte(value[revisionDigits:]), c.keys.sealedName(id)...)
	if err != nil {
		return nil
	}
	s, err := license.Restore(text)
	if err != nil {
		return nil
	}
	return s
}
