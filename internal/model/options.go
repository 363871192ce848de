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
	// Fine says whether a few products have activations of 16 bits, which makes the
	// default path of plain transformers more precise. Nil means that small models
	// have them.
	Fine *bool
	// Deterministic gives up the choices that depend on how many tokens a sequence
	// brings into a Forward, so that pieces of a prompt of any size give the same
	// bits. Only latent attention makes one: prompts take longer with it.
	Deterministic bool
	// MaxRows is the largest batch that Forward will see; 0 means 512.
	MaxRows int
	// BlockTokens is the number of positions per cache block; 0 means 64.
	BlockTokens int
	// KeepMapped leaves the weights in the file's mapping instead of copying
	// them into packed memory: slower, for machines where memory is short.
	KeepMapped bool
	// Workers is the number of workers that Plan counts scratch memory for when
	// there is no Team yet; 0 means 1.
	Workers int
	// Progress, if not nil, is called now and then while weights load, with the
	// bytes done and the bytes in all. It may be called from any goroutine, one at a time.
	Progress func(done, total int64)
}

// Defaults for the zero values of Options.
const (
	DefaultMaxRows     = 512
	DefaultBlockTokens = 64
)

// WithDefaults returns o with its zero values filled in.
func (o Options) WithDefaults() Options {
	if o.MaxRows <= 0 {
		o.MaxRows = DefaultMaxRows
	}
	if o.BlockTokens <= 0 {
		o.BlockTokens = DefaultBlockTokens
	}
	if o.Team != nil {
		o.Workers = o.Team.Size()
	}
	if o.Workers <= 0 {
		o.Workers = 1
	}
	return o
}
