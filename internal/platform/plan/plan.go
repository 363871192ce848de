// Package plan says, before a model is loaded, whether it will fit into memory,
// with which context, and if not, what would fit instead.
package plan

import (
	"fmt"
	"slices"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/machine/mem"
	"github.com/holdfast-llm/holdfast/internal/model"
	_ "github.com/holdfast-llm/holdfast/internal/model/all" // the architectures
)

// A Fit is what a model needs beside what there is, in bytes.
type Fit struct {
	Parts   []Part // weights by role, then scratch; without the cache
	Weights int64
	Scratch int64
	KV      []KV // the cache, for every element type
	Arch    string
	Trained int // context that the model was trained for, in tokens
	Usable  int64
	Limits  mem.Limits
}

// A Part is one line of a memory report.
type Part struct {
	Name  string
	Bytes int64
}

// KV is the cost of the cache with one element type.
type KV struct {
	Type     string
	PerToken int64 // bytes
	// Largest is the longest context that fits beside the weights, at most
	// what the model was trained for; 0 if none does.
	Largest int
}

// Of computes the needs of a model that would run on so many workers, against
// the limits given.
func Of(f *gguf.File, workers int, limits mem.Limits) (*Fit, error) {
	p, err := model.Plan(f, model.Options{Workers: workers})
	if err != nil {
		return nil, err
	}
	out := &Fit{
		Weights: p.Weights, Scratch: p.Scratch, Arch: p.Config.Arch, Trained: p.Config.Context,
		Usable: limits.Usable(), Limits: limits,
	}
	for _, m := range p.Parts {
		out.Parts = append(out.Parts, Part(m))
	}
	for _, c := range p.Cache {
		kv := KV{Type: c.Elem.String(), PerToken: c.BytesPerToken}
		kv.Largest = largest(out.Usable-out.Base(), kv.PerToken, out.Trained)
		out.KV = append(out.KV, kv)
	}
	return out, nil
}

// largest returns how many tokens of context fit into free bytes: whole cache
// blocks, at most limit.
func largest(free, perToken int64, limit int) int {
	if perToken <= 0 {
		return limit
	}
	n := free / perToken / model.DefaultBlockTokens * model.DefaultBlockTokens
	return int(max(min(n, int64(limit)), 0))
}

// Base returns what the model takes without any cache.
func (f *Fit) Base() int64 { return f.Weights + f.Scratch }

// Need returns what the model takes with a context and a cache type; ok is
// false for a type that does not exist.
func (f *Fit) Need(context int, kv string) (bytes int64, ok bool) {
	i := slices.IndexFunc(f.KV, func(k KV) bool { return k.Type == kv })
	if i < 0 {
		return 0, false
	}
	return f.Base() + int64(context)*f.KV[i].PerToken, true
}

// Advice explains, part by part, why a context does not fit, and what would.
func (f *Fit) Advice(context int, kv string) string {
	need, ok := f.Need(context, kv)
	if !ok {
		return ""
	}
	s := fmt.Sprintf("needed: %s = weights %s + scratch %s + cache %s (%d tokens in %s); free: %s",
		engine.Bytes(need), engine.Bytes(f.Weights), engine.Bytes(f.Scratch), engine.Bytes(need-f.Base()), context, kv, engine.Bytes(f.Usable))
	var fits []string
	for _, k := range f.KV {
		if k.Largest >= leastUseful && (k.Type == kv || k.Type == "q8_0") {
			fits = append(fits, fmt.Sprintf("--context %d --kv-type %s", min(k.Largest, context), k.Type))
		}
	}
	if len(fits) == 0 {
		return s + "\nno useful context fits: close other programs, or take a smaller model or a smaller quantization"
	}
	for i, t := range fits {
		if i == 0 {
			s += "\nwould fit: " + t
		} else {
			s += ", or " + t
		}
	}
	return s
}

// leastUseful is the shortest context that advice speaks of.
const leastUseful = 256
