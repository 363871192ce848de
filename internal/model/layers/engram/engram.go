// Package engram computes the n-gram memories of DeepSeek-V4.1: before some
// layers, each token looks rows up in a huge table by a hash of itself and the
// tokens before it, and the layer's streams take in what they find there, each
// as far as it fits.
//
// A table is about 100 GB. It stays in the file's mapping, from which a token
// reads some two dozen rows; nothing of it is ever copied as a whole, and the
// file must stay open as long as the model.
package engram

import (
	"fmt"
	"math"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/model/layers/hyper"
	"github.com/holdfast-llm/holdfast/internal/model/layers/weights"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/vec"
)

// Params are what all memories of a model share.
type Params struct {
	Heads int // hashes per n-gram order
	Dim   int // of a table row
	NGram int // longest n-gram; orders 2 to NGram are looked up
	Pad   int64
	Map   []int64 // [vocab] class of each token
	Eps   float32
}

// Columns returns the number of rows that a token looks up.
func (p *Params) Columns() int { return p.Heads * (p.NGram - 1) }

// Width returns the number of values that a token looks up.
func (p *Params) Width() int { return p.Columns() * p.Dim }

// A Layer is the memory before one layer.
type Layer struct {
	*Params
	Mult    []uint64 // [NGram] odd numbers that classes are multiplied with
	Primes  []uint64 // [Columns] rows of each column's part of the table
	Offsets []uint64 // [Columns] where the part begins

	table    *table
	wkv      *matmul.Matrix // [(streams+1)*embd] x [Width]
	q, k     []float32      // [streams][embd]
	embd     int
	out      []layers.Product
	kinds    layers.Kinds
	weighAll func(w int) // weigh of all rows of a batch that is Alone
}

// Bind declares the tensors; prefix is "blk.1.".
func (l *Layer) Bind(f *gguf.File, b *weights.Binder, prefix string, embd, streams int) error {
	l.embd = embd
	b.Matrix(&l.wkv, prefix+"engram_wkv.weight", (streams+1)*embd, l.Width())
	b.Table(&l.q, prefix+"engram_q.weight", streams, embd)
	b.Table(&l.k, prefix+"engram_k.weight", streams, embd)
	if err := b.Err(); err != nil {
		return err
	}
	var err error
	if l.table, err = openTable(f, prefix+"engram_embd.weight", l.Dim); err != nil {
		return err
	}
	for i, p := range l.Primes {
		if p == 0 || l.Offsets[i] > l.table.rows || p > l.table.rows-l.Offsets[i] {
			return fmt.Errorf("model: tensor %q has %d rows, the metadata expects %d from row %d on for hash %d",
				prefix+"engram_embd.weight", l.table.rows, p, l.Offsets[i], i)
		}
	}
	return nil
}

// TableBytes returns the size of the table, which stays in the file.
func (l *Layer) TableBytes() int64 { return int64(len(l.table.data)) }

// Ready finishes the layer after its weights are there (or outlined).
func (l *Layer) Ready(exact bool) {
	l.out = []layers.Product{{M: l.wkv}}
	l.kinds = layers.KindsOf(exact, l.out)
}

// Kinds returns the kinds of activations that the shared rows need.
func (l *Layer) Kinds() layers.Kinds { return l.kinds }

// A State is the memory that all memories of a model share.
type State struct {
	kv   []float32 // [maxRows][streams+1][embd]
	gate []float32 // [maxRows][streams]
	rows [][]int64 // [workers][Columns]
	// Token returns the token that stands back places before a row.
	Token func(e *layers.Env, r, back int) (int32, bool)
}

// NewState allocates memory for a batch.
func NewState(e *layers.Env, o model.Options, p *Params, embd int, hs *hyper.State, list []*Layer) *State {
	streams := hs.Streams
	st := &State{
		kv:   make([]float32, o.MaxRows*(streams+1)*embd),
		gate: make([]float32, o.MaxRows*streams),
		rows: make([][]int64, o.Workers),
	}
	for w := range st.rows {
		st.rows[w] = make([]int64, p.Columns())
	}
	for _, l := range list {
		l.out[0].Dst, l.out[0].LD = st.kv, (streams+1)*embd
		l.weighAll = func(int) {
			for r := range e.N() {
				l.weigh(st, hs, r)
			}
		}
	}
	return st
}

// StateBytes returns what NewState allocates.
func StateBytes(o model.Options, p *Params, embd, streams int) int64 {
	return 4*int64(o.MaxRows)*int64((streams+1)*embd+streams) + 8*int64(o.Workers*p.Columns())
}

// Run adds what the tokens find to their streams, and measures them for the mix
// that is next. Afterwards each worker may use its own rows, or in a batch that is Alone
// its own columns.
func (l *Layer) Run(e *layers.Env, w, layer int, st *State, hs *hyper.State, next *hyper.Mix) {
	acts, lo, hi := e.ConvertsAll(w)
	x := e.Row(w)[:l.Width()]
	for r := lo; r < hi; r++ {
		rows := st.rows[w]
		l.lookUp(e, st, r, rows)
		for i, row := range rows {
			l.table.read(x[i*l.Dim:(i+1)*l.Dim], row)
		}
		l.kinds.Set(acts, r, x)
	}
	if e.OwnRows() {
		e.OwnProducts(w, acts, l.out)
		l.take(st, hs, lo, hi)
		l.trace(e, w, layer, st)
		return
	}
	if !e.Alone() {
		e.Barrier(w)
	}
	e.Products(w, acts, l.out)
	if e.Alone() {
		// Whether the streams agree is decided on the whole of them; the last to
		// arrive does that while nobody changes them.
		e.BarrierThen(w, l.weighAll)
		from, to := hs.Columns(e, w)
		for r := range e.N() {
			l.add(st, hs, r, from, to)
		}
		hs.Measure(e, w, next)
	} else {
		e.Barrier(w)
		l.take(st, hs, lo, hi)
	}
	l.trace(e, w, layer, st)
}

// take adds the value to the streams of the rows lo to hi-1.
func (l *Layer) take(st *State, hs *hyper.State, lo, hi int) {
	for r := lo; r < hi; r++ {
		l.weigh(st, hs, r)
		l.add(st, hs, r, 0, l.embd)
	}
}

// lookUp computes the rows that a token looks up. Each order of n-gram mixes
// one more token into the hash; before the beginning stands the pad.
func (l *Layer) lookUp(e *layers.Env, st *State, r int, rows []int64) {
	class := func(back int) uint64 {
		if id, ok := st.Token(e, r, back); ok {
			return uint64(l.Map[id])
		}
		return uint64(l.Pad)
	}
	h := class(0) * l.Mult[0]
	for s := 1; s < l.NGram; s++ {
		h ^= class(s) * l.Mult[s]
		for i := range l.Heads {
			col := (s-1)*l.Heads + i
			rows[col] = int64(h%l.Primes[col] + l.Offsets[col])
		}
	}
}

// weigh computes how much of the value each stream of a row takes: as far as it
// agrees with the key that was found for it.
func (l *Layer) weigh(st *State, hs *hyper.State, r int) {
	n := l.embd
	kv := st.kv[r*(hs.Streams+1)*n : (r+1)*(hs.Streams+1)*n]
	for c := range hs.Streams {
		x, key := hs.Stream(r, c), kv[c*n:(c+1)*n]
		q, k := l.q[c*n:(c+1)*n], l.k[c*n:(c+1)*n]
		var xx, kk, dot float64
		for i, v := range x {
			xx += float64(v) * float64(v)
			kk += float64(key[i]) * float64(key[i])
			dot += float64(v) * float64(q[i]) * float64(key[i]) * float64(k[i])
		}
		eps := float64(l.Eps)
		size := math.Sqrt(xx/float64(n)+eps) * math.Sqrt(kk/float64(n)+eps) * math.Sqrt(float64(n))
		s := dot / size
		root := math.Sqrt(max(math.Abs(s), 1e-6))
		if s < 0 {
			root = -root
		}
		st.gate[r*hs.Streams+c] = float32(1 / (1 + math.Exp(-root)))
	}
}

// add adds columns from to to-1 of the value to each stream of a row.
func (l *Layer) add(st *State, hs *hyper.State, r, from, to int) {
	n := l.embd
	value := st.kv[(r*(hs.Streams+1)+hs.Streams)*n:][:n]
	for c := range hs.Streams {
		vec.Axpy(hs.Stream(r, c)[from:to], st.gate[r*hs.Streams+c], value[from:to])
	}
}

// trace shows the rows to the batch's TraceLookup, if it has one.
func (l *Layer) trace(e *layers.Env, w, layer int, st *State) {
	trace := e.Rows.Batch.TraceLookup
	if trace == nil || w != 0 {
		return
	}
	for r := range e.N() {
		l.lookUp(e, st, r, st.rows[w])
		trace(layer, r, st.rows[w])
	}
}
