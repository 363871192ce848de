package app

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/machine/mem"
	"github.com/holdfast-llm/holdfast/internal/machine/par"
	"github.com/holdfast-llm/holdfast/internal/model"
	_ "github.com/holdfast-llm/holdfast/internal/model/all" // the architectures
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
)

// RawOptions say how a Raw model is loaded.
type RawOptions struct {
	Threads int    // 0 for one per core
	KVType  string // "" for the architecture's own, or f32 if Exact
	Exact   bool
	// Deterministic is model.Options' of that name.
	Deterministic bool
	Seqs          int // sequences that there is cache for, at least 1
	Context       int // positions of each
	Progress      func(done, total int64)
}

// A Raw model computes logits for tokens, without engine and sampling: for
// comparing and measuring. It has one user at a time.
type Raw struct {
	Model model.Model
	Team  *par.Team

	context int
	elem    attend.Elem
	file    *gguf.File
	arena   *mem.Arena
	cache   []byte
	state   []byte
	tables  [][]int32 // [seqs][blocks]
	batch   model.Batch
}

// LoadRaw loads a model by name or path.
func (a *App) LoadRaw(ref string, o RawOptions) (*Raw, error) {
	f, err := a.File(ref)
	if err != nil {
		return nil, err
	}
	r, err := NewRaw(f, o)
	if err != nil {
		return nil, errors.Join(a.explain(ref, Plan{Threads: o.Threads, Context: o.Context, KVType: o.KVType}, err), f.Close())
	}
	return r, nil
}

// KV returns the element type that the cache of a model will have.
func (o *RawOptions) KV(arch string) string {
	switch {
	case o.KVType != "":
		return o.KVType
	case o.Exact:
		return "f32"
	}
	return model.DefaultCache(arch).String()
}

// NewRaw loads an open file. The file is the Raw's to close if it succeeds.
func NewRaw(f *gguf.File, o RawOptions) (*Raw, error) {
	name := o.KV(f.Arch())
	elem, err := attend.ParseElem(name)
	if err != nil {
		return nil, err
	}
	if err := fits(f, name, o); err != nil {
		return nil, err
	}
	r := &Raw{file: f, context: o.Context, elem: elem, Team: par.New(Workers(o.Threads))}
	r.Model, err = model.Load(f, model.Options{Team: r.Team, CacheElem: elem, Exact: o.Exact, Deterministic: o.Deterministic, Progress: o.Progress})
	if err == nil {
		err = r.allocate(max(o.Seqs, 1))
	}
	if err != nil {
		r.file = nil // the caller's again
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// fits refuses what would not fit, before anything is loaded.
func fits(f *gguf.File, kv string, o RawOptions) error {
	p, err := model.Plan(f, model.Options{Workers: Workers(o.Threads)})
	if err != nil {
		return err
	}
	var perToken int64
	for _, c := range p.Cache {
		if c.Elem.String() == kv {
			perToken = c.BytesPerToken
		}
	}
	need := p.Total() + int64(o.Context)*int64(max(o.Seqs, 1))*perToken
	if usable := mem.Budget().Usable(); usable > 0 && need > usable {
		return fmt.Errorf("the model needs %d MiB of memory, but %d MiB are free: %w", need>>20, usable>>20, mem.ErrFull)
	}
	return nil
}

// allocate makes the cache, and a block table for every sequence.
func (r *Raw) allocate(seqs int) error {
	spec := r.Model.CacheSpec()
	perSeq := (r.context + spec.BlockTokens - 1) / spec.BlockTokens
	cache, state := perSeq*seqs*spec.BlockBytes, seqs*spec.StateBytes
	const slack = 4096 // for the alignment of both
	var err error
	if r.arena, err = mem.NewArena(cache + state + slack); err != nil {
		return err
	}
	if r.cache, err = r.arena.Alloc(cache, 0); err != nil {
		return err
	}
	if r.state, err = r.arena.Alloc(state, 0); err != nil {
		return err
	}
	for s := range seqs {
		table := make([]int32, perSeq)
		for i := range table {
			table[i] = int32(s*perSeq + i)
		}
		r.tables = append(r.tables, table)
	}
	return nil
}

// Context returns the positions that each sequence has.
func (r *Raw) Context() int { return r.context }

// A Row says what one sequence computes in a step.
type Row struct {
	Seq    int
	Pos    int
	Tokens []int32
	Logits int // of how many of the last tokens
}

// Forward computes one step; the total of tokens may be model.DefaultMaxRows at
// most. The logits, [rows asked for][vocab], are valid until the next step.
func (r *Raw) Forward(rows ...Row) ([]float32, error) {
	b := &r.batch
	b.Cache, b.State, b.Seqs = r.cache, r.state, b.Seqs[:0]
	for _, row := range rows {
		b.Seqs = append(b.Seqs, model.BatchSeq{
			Tokens: row.Tokens, Pos: row.Pos, Blocks: r.tables[row.Seq], StateSlot: row.Seq, NLogits: row.Logits,
		})
	}
	if err := r.Model.Forward(b); err != nil {
		return nil, err
	}
	return b.Logits, nil
}

// Score computes the logits of every position of tokens from `from` on, in
// order, as sequence 0. The slice is only valid in the call.
func (r *Raw) Score(tokens []int32, from int, f func(pos int, logits []float32) error) error {
	return score([]*Raw{r}, tokens, from, func(pos int, logits [][]float32) error { return f(pos, logits[0]) })
}

// ScoreBoth is Score for two models with one vocabulary at the same time.
func ScoreBoth(a, b *Raw, tokens []int32, from int, f func(pos int, a, b []float32) error) error {
	if n, m := a.Model.Config().Vocab, b.Model.Config().Vocab; n != m {
		return fmt.Errorf("vocabularies of %d and %d tokens cannot be compared", n, m)
	}
	return score([]*Raw{a, b}, tokens, from, func(pos int, logits [][]float32) error { return f(pos, logits[0], logits[1]) })
}

func score(models []*Raw, tokens []int32, from int, f func(pos int, logits [][]float32) error) error {
	for _, r := range models {
		if len(tokens) > r.context {
			return fmt.Errorf("%d tokens, but the context holds %d", len(tokens), r.context)
		}
	}
	// Logits are large (vocabulary times rows): few rows of them at a time.
	const step, rowsOut = model.DefaultMaxRows, 32
	vocab := models[0].Model.Config().Vocab
	all, row := make([][]float32, len(models)), make([][]float32, len(models))
	for at := 0; at < len(tokens); {
		n, out := min(step, len(tokens)-at, from-at), 0
		if at >= from {
			n = min(len(tokens)-at, rowsOut)
			out = n
		}
		for k, r := range models {
			var err error
			if all[k], err = r.Forward(Row{Pos: at, Tokens: tokens[at : at+n], Logits: out}); err != nil {
				return err
			}
		}
		for i := range out {
			for k := range row {
				row[k] = all[k][i*vocab : (i+1)*vocab]
			}
			if err := f(at+i, row); err != nil {
				return err
			}
		}
		at += n
	}
	return nil
}

// Close frees everything.
func (r *Raw) Close() error {
	var errs []error
	if r.Model != nil {
		errs = append(errs, r.Model.Close())
	}
	if r.arena != nil {
		errs = append(errs, r.arena.Free())
	}
	if r.Team != nil {
		r.Team.Close()
	}
	if r.file != nil {
		errs = append(errs, r.file.Close())
	}
	return errors.Join(errs...)
}

// Touch fills the whole cache with small random numbers (zeros, if its elements
// are blocks): pages that were never written are one and the same page of zeros,
// which sits in the processor's cache. For measurements at a depth that nobody
// has computed.
func (r *Raw) Touch() {
	const n = 4099 // prime, so that rows differ
	var unit []byte
	if r.elem != attend.Q8_0 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(rand.NormFloat64()) / 2
		}
		unit = make([]byte, r.elem.RowBytes(n))
		r.elem.Store(unit, x)
	}
	r.Team.Run(func(w int) {
		lo, hi := par.Split(len(r.cache), 4096, w, r.Team.Size())
		if unit == nil {
			clear(r.cache[lo:hi])
			return
		}
		for lo < hi {
			lo += copy(r.cache[lo:hi], unit[lo%len(unit):])
		}
	})
}

// Jump makes a sequence go on from position pos, as if what is before had been
// computed. Models that keep more than a cache are told so.
func (r *Raw) Jump(seq, pos int) {
	if m, ok := r.Model.(interface{ Jump(state []byte, pos int) }); ok {
		size := r.Model.CacheSpec().StateBytes
		m.Jump(r.state[seq*size:(seq+1)*size], pos)
	}
}
