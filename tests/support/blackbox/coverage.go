package blackbox

import (
	"slices"
	"sync"
)

// Coverage remembers what of the contract was seen. The zero value is ready; it is safe for concurrent use.
type Coverage struct {
	mu   sync.Mutex
	seen map[string]bool
}

// Saw remembers an endpoint or a code.
func (c *Coverage) Saw(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen == nil {
		c.seen = map[string]bool{}
	}
	c.seen[name] = true
}

// Missing lists which of the names were not seen.
func (c *Coverage) Missing(names []string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return c.seen[name] })
}
