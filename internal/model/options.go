package model

import (
	"github.com/holdfast-llm/holdfast/internal/machine/par"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
)

// Options says how a model is to be loaded. The zero value of each field but
// Team is usable.
type Options struct {
	// Team runs the model. It may be shared by several models.
	Team *par.Team
	// CacheElem is the element type of cached keys and values; the zero value is float32.
	CacheElem attend.Elem
	// Exact selects float32 activations on dequantized weights everywhere: slow,
	// and as near to the reference as float32 gets.
	Exact bool
	// MaxRows is the largest batch that Forward will see; 0 means 512.
	MaxRows int
	// BlockTokens is the number of positions per cache block; 0 means 64.
	BlockTokens int
	// KeepMapped leaves the weights in the file's mapping instead of copying
	// them into packed memory: slower, for machines where memory is short.
	KeepMapped bool
	// Progress, if not nil, is called now and then while weights load, with the
	// bytes done and the bytes in all. It may be called from any goroutine, one at a time.
	Progress func(done, total int64)
}
