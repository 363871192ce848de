// Package csa computes the attention of DeepSeek-V4 and V4.1: one key-value row
// per token that all heads share (keys and values are the same row), seen
// through a short sliding window, and beside it rows that each stand for a block
// of tokens.
//
// A query at position p attends to the rows of the last Window tokens, itself
// included, and to compressed rows: all complete blocks, or those that an
// indexer picks. Each head has a sink, a logit without a value. Values carry the
// rotation of their position, so the result is rotated back by the query's.
//
// What lives where between two calls of Forward:
//
//   - The window is a ring of rows per layer, in the sequence's state. Rows of
//     the current batch stay beside it until all queries have seen them.
//   - Compressed rows, and the indexer's keys, are addressed by position and lie
//     in the cache block that holds the last token of their tokens, so that
//     sequences with a common beginning share them.
//   - The unfinished block of each compressor is a few running sums in the state.
//
// So a sequence can only go on from where its state is.
package csa

import (
	"math"

	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/model/layers/rope"
	"github.com/holdfast-llm/holdfast/internal/model/layers/weights"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
)

// Dims are the sizes that all layers share.
type Dims struct {
	Heads  int
	Dim    int // of a head, and of a row
	Rope   int // rotated dimensions, the last of a head
	QLora  int
	Groups int // groups of heads that the first output projection takes together
	OLora  int // its outputs per group
	Window int
	// HeadNorm says that each query head is normalised before it is rotated.
	HeadNorm bool
}

// A Layer is the attention of one layer.
type Layer struct {
	Dims
	Ratio  int         // tokens per compressed row that the layer sees, 0 for none
	Comp   *Compressor // makes rows; nil if the layer makes none
	Index  *Index      // picks rows; nil if the layer picks none
	Source *Layer      // whose rows the layer sees, perhaps its own; nil for none
	Reuse  bool        // the layer sees what the last layer with an Index picked
	OutB   *matmul.Matrix

	qA     *matmul.Matrix // [QLora] x [embd]
	qANorm []float32      // [QLora]
	qB     *matmul.Matrix // [Heads*Dim] x [QLora]
	kv     *matmul.Matrix // [Dim] x [embd]
	kvNorm []float32      // [Dim]
	sinks  []float32      // [Heads]
	outA   []*matmul.Matrix

	// Products with the residual and with the query latent. Those of the indexer's
	// queries come last: while nothing is chosen they are left out.
	down, up []layers.Product
	kinds    layers.Kinds
	upKinds  layers.Kinds
	// What the last worker to arrive at a barrier does of a batch that is Alone,
	// or a single row.
	storeAll, prepareAll, keepAll func(w int)
	ringOff                       int // first byte of the window in a state slot
}

// Bind declares the tensors of a layer; prefix is "blk.0.".
func (l *Layer) Bind(b *weights.Binder, prefix string, embd int) {
	b.Matrix(&l.qA, prefix+"attn_q_a.weight", l.QLora, embd)
	b.Vector(&l.qANorm, prefix+"attn_q_a_norm.weight", l.QLora)
	b.Matrix(&l.qB, prefix+"attn_q_b.weight", l.Heads*l.Dim, l.QLora)
	b.Matrix(&l.kv, prefix+"attn_kv.weight", l.Dim, embd)
	b.Vector(&l.kvNorm, prefix+"attn_kv_a_norm.weight", l.Dim)
	b.Vector(&l.sinks, b.FirstOf(prefix+"attn_sinks.weight", prefix+"attn_sinks"), l.Heads)
	b.ViewsOf(&l.outA, prefix+"attn_output_a.weight", l.Groups, l.OLora, l.Heads/l.Groups*l.Dim, 0, l.OLora)
	b.Matrix(&l.OutB, prefix+"attn_output_b.weight", embd, l.Groups*l.OLora)
	if l.Comp != nil {
		l.Comp.bind(b, prefix, "attn_compressor_", "attn_compress_", embd)
	}
	if l.Index != nil {
		l.Index.bind(b, prefix, embd, l.QLora)
	}
}

// Ready finishes the layer after its weights are there (or outlined).
func (l *Layer) Ready(exact bool) {
	l.down = []layers.Product{{M: l.qA}, {M: l.kv}}
	l.up = []layers.Product{{M: l.qB}}
	for _, c := range l.compressors() {
		l.down = append(l.down, layers.Product{M: c.kv})
		if c.gate != nil {
			l.down = append(l.down, layers.Product{M: c.gate})
		}
	}
	if l.Index != nil {
		l.down = append(l.down, layers.Product{M: l.Index.proj})
		l.up = append(l.up, layers.Product{M: l.Index.qB})
	}
	l.kinds, l.upKinds = layers.KindsOf(exact, l.down), layers.KindsOf(exact, l.up)
}

// compressors returns those whose rows the layer makes.
func (l *Layer) compressors() []*Compressor {
	var list []*Compressor
	if l.Comp != nil {
		list = append(list, l.Comp)
	}
	if l.Index != nil && l.Index.Comp != nil {
		list = append(list, l.Index.Comp)
	}
	return list
}

// connect tells the products where their results go.
func (l *Layer) connect(e *layers.Env, st *State) {
	l.storeAll = func(w int) {
		l.storeRows(st, 0, e.N())
		l.emitSome(e, w, st, 0, math.MaxInt)
	}
	l.prepareAll = func(int) { l.prepare(e, st, 0, e.N()) }
	l.keepAll = func(w int) { l.keepRows(e, w, st, 0, e.N()) }
	i := 0
	set := func(dst []float32, ld int) {
		l.down[i].Dst, l.down[i].LD = dst, ld
		i++
	}
	set(st.qa, l.QLora)
	set(st.kv, l.Dim)
	for j, c := range l.compressors() {
		set(st.comp[j].k, c.width())
		if c.gate != nil {
			set(st.comp[j].g, c.width())
		}
	}
	l.up[0].Dst, l.up[0].LD = st.q, l.Heads*l.Dim
	if x := l.Index; x != nil {
		set(st.index.weights, x.Heads)
		l.up[1].Dst, l.up[1].LD = st.index.q, x.Heads*x.Dim
	}
}

// Kinds returns all kinds of activations that the layer's shared rows need, and
// the widest of those rows.
func (l *Layer) Kinds(exact bool) (layers.Kinds, int) {
	k := append(layers.Kinds(nil), l.kinds...).With(l.upKinds...).Add(exact, l.OutB)
	return k, max(l.QLora, l.Groups*l.OLora)
}

// angles returns the rotations of the layer: layers that see compressed rows
// turn everything by those of the compressed context.
func (l *Layer) angles(st *State) *turns {
	if l.Ratio != 0 {
		return &st.long
	}
	return &st.short
}

// turns are the rotations of the rows of a batch.
type turns struct {
	angles *rope.Angles
	cs     []float32 // [maxRows][Rope] cosines and sines
	back   []float32 // the same for the opposite direction
}

// rowBytes returns the size of a row of the window or of a compressed row.
func (l *Layer) rowBytes(e attend.Elem) int { return e.RowBytes(l.Dim) }
