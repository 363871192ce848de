// Package modeltest helps to test models: it feeds sequences through a Model
// with a cache of its own, reads golden cases, builds tiny random models as
// GGUF files in memory, and computes their logits a second time in float64 from
// nothing but the file. Tests import it.
package modeltest

import (
	"testing"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/machine/par"
	"github.com/holdfast-llm/holdfast/internal/model"
)

// A Runner owns a model and cache memory for it.
type Runner struct {
	t      testing.TB
	Model  model.Model
	spec   model.CacheSpec
	cache  []byte
	state  []byte
	next   int32
	blocks int32
	slots  int
}

// maxSeqs is how many sequences a Runner has state for.
const maxSeqs = 16

// NewRunner loads f and allocates cache blocks for tokens positions in all. The
// model is closed at the end of the test.
func NewRunner(t testing.TB, f *gguf.File, o model.Options, tokens int) *Runner {
	t.Helper()
	m, err := model.Load(f, o)
	if err != nil {
		t.Fatalf("load: %v", err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	r := &Runner{t: t, Model: m, spec: m.CacheSpec()}
	r.blocks = int32(tokens/r.spec.BlockTokens + 2*maxSeqs)
	r.cache = make([]byte, int(r.blocks)*r.spec.BlockBytes)
	r.state = make([]byte, maxSeqs*r.spec.StateBytes)
	// What an engine finds in a block is whatever the last sequence left there.
	for i := range r.cache {
		r.cache[i] = 0x2a
	}
	return r
}

// NewTeam returns a team that is closed at the end of the test.
func NewTeam(t testing.TB, n int) *par.Team {
	team := par.New(n)
	t.Cleanup(team.Close)
	return team
}

// A Seq is one sequence of a Runner.
type Seq struct {
	r      *Runner
	pos    int
	blocks []int32
	slot   int
}

// NewSeq starts a sequence.
func (r *Runner) NewSeq() *Seq {
	s := &Seq{r: r, slot: r.slots}
	r.slots++
	return s
}

// Reset frees all blocks: the sequences so far must not be used again.
func (r *Runner) Reset() { r.next, r.slots = 0, 0 }

// Batch returns the part of a batch that feeds tokens to s, with logits for the
// last n of them, and moves s on.
func (s *Seq) Batch(tokens []int32, n int) model.BatchSeq {
	for len(s.blocks)*s.r.spec.BlockTokens < s.pos+len(tokens) {
		// Backwards, so that a table is never the identity.
		s.blocks = append(s.blocks, s.r.blocks-1-s.r.next)
		s.r.next++
		if s.r.next > s.r.blocks {
			s.r.t.Fatalf("modeltest: out of %d cache blocks", s.r.blocks)
		}
	}
	b := model.BatchSeq{Tokens: tokens, Pos: s.pos, Blocks: s.blocks, StateSlot: s.slot, NLogits: n}
	s.pos += len(tokens)
	return b
}

// Run runs one batch, which it gives the cache.
func (r *Runner) Run(b *model.Batch) {
	b.Cache, b.State = r.cache, r.state
	if err := r.Model.Forward(b); err != nil {
		r.t.Fatalf("forward: %v", err)
	}
}

// Forward runs one batch and returns a copy of its logits.
func (r *Runner) Forward(b *model.Batch) []float32 {
	r.t.Helper()
	r.Run(b)
	return append([]float32(nil), b.Logits...)
}

// Logits feeds a whole sequence in chunks of the given size and returns the
// logits of every token, [tokens][vocab].
func (r *Runner) Logits(tokens []int32, chunk int) []float32 {
	r.t.Helper()
	s := r.NewSeq()
	var out []float32
	for len(tokens) > 0 {
		n := min(chunk, len(tokens))
		b := model.Batch{Seqs: []model.BatchSeq{s.Batch(tokens[:n], n)}}
		out = append(out, r.Forward(&b)...)
		tokens = tokens[n:]
	}
	return out
}

// greedyChunk is how many tokens of a prompt Greedy feeds at a time.
const greedyChunk = 64

// Greedy continues a prompt by n tokens, each the one with the largest logit.
func (r *Runner) Greedy(prompt []int32, n int) []int32 {
	r.t.Helper()
	s := r.NewSeq()
	out := make([]int32, 0, n)
	feed := prompt
	for ; len(feed) > greedyChunk; feed = feed[greedyChunk:] {
		r.Forward(&model.Batch{Seqs: []model.BatchSeq{s.Batch(feed[:greedyChunk], 0)}})
	}
	for len(out) < n {
		b := model.Batch{Seqs: []model.BatchSeq{s.Batch(feed, 1)}}
		out = append(out, int32(ArgMax(r.Forward(&b))))
		feed = out[len(out)-1:]
	}
	return out
}

// ArgMax returns the index of the largest value.
func ArgMax[T float32 | float64](x []T) int {
	best := 0
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}
