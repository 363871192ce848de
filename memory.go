package holdfast

import (
	"github.com/holdfast-llm/holdfast/internal/machine/mem"
	"github.com/holdfast-llm/holdfast/internal/model"
)

// fits refuses a model before its weights are loaded, if they and a cache of
// the asked-for context cannot fit.
func (c *config) fits(p *model.MemoryPlan) error {
	usable := mem.Budget().Usable()
	if usable == 0 {
		return nil // the system does not tell
	}
	per := p.PerToken(c.kv)
	ctx := int64(c.contextOf(p.Config))
	need := p.Total() + ctx*per
	left := usable - p.Total()
	if c.context == 0 && left >= 512*per || need <= usable {
		return nil
	}
	e := &MemoryError{Need: need, Usable: usable, Context: int(ctx)}
	if per > 0 && left > 0 {
		e.Fits = int(left / per)
	}
	return e
}

// contextOf returns how many tokens the cache is to hold.
func (c *config) contextOf(m *model.Config) int {
	n := c.context
	if n == 0 {
		n = min(m.Context, defaultContext)
	}
	return n * max(1, c.parallel)
}
