package model

import "github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"

// A MemoryPlan says what a model needs, before it is loaded.
type MemoryPlan struct {
	Config *Config
	// Parts lists what Load allocates: weights by role, then scratch.
	Parts []MemoryPart
	// Weights is the anonymous memory for weights: packed matrices and vectors.
	Weights int64
	// Mapped is how much of the file stays in use through its mapping; only with KeepMapped.
	Mapped int64
	// Scratch is the memory for MaxRows rows, including the logits of as many
	// rows as the model keeps room for from the start.
	Scratch int64
	// Cache is the cost of the cache for each element type.
	Cache []CacheCost
}

// A CacheCost is what one token of context takes with one cache element type.
type CacheCost struct {
	Elem          attend.Elem
	BytesPerToken int64
}

// Total returns the memory that Load allocates, without the cache.
func (p *MemoryPlan) Total() int64 { return p.Weights + p.Scratch }

// PerToken returns the bytes of cache per token for an element type, 0 if the
// plan does not know it.
func (p *MemoryPlan) PerToken(e attend.Elem) int64 {
	for _, c := range p.Cache {
		if c.Elem == e {
			return c.BytesPerToken
		}
	}
	return 0
}
