// Package mla computes multi-head latent attention (DeepSeek-V2 and later): keys
// and values of all heads are linear functions of one latent vector per token,
// so that the cache holds one short row per token instead of two long ones per
// head.
//
// A cached row is the normalised latent c followed by the rotated part kr of the
// key, which all heads share. With the matrices Kb and Vb of a head, its key is
// [Kb c | kr] and its value is Vb c. There are two ways to use that:
//
//   - Absorbed: q.(Kb c) = (Kb^T q).c, so the query is taken through Kb^T once
//     and then meets the cached rows as they are; the softmax sums latents, and
//     Vb comes last. All heads share the keys, so a cached row is read once for
//     many queries. This is the way for decode and for short pieces of prompt.
//   - Rebuilt: keys and values of a head are computed from the latents of the
//     whole context, and attention runs on them. They are a third as long as the
//     latents, which pays once enough rows share the cost of building them.
//
// The two differ by rounding. Which one a row takes depends on nothing but how
// many tokens its own sequence has in the Forward (see RebuildRows), never on
// the rest of the batch.
package mla

import (
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/model/layers/weights"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
)

// Dims are the sizes of latent attention.
type Dims struct {
	Heads  int
	QLora  int // width of the query latent, 0 if queries have none
	KVLora int // width of the cached latent
	Nope   int // part of a key that is not rotated
	Rope   int // part that is
	Value  int // width of a head's value
}

// QK returns the width of a head's key.
func (d *Dims) QK() int { return d.Nope + d.Rope }

// Row returns the width of a cached row.
func (d *Dims) Row() int { return d.KVLora + d.Rope }

// A Layer is the attention of one layer.
type Layer struct {
	Dims
	// Index chooses the positions that a row attends to; nil for all of them.
	Index *Index
	Out   *matmul.Matrix // [embd] x [Heads*Value]

	q       *matmul.Matrix // [Heads*QK] x [embd], or with a query latent:
	qA      *matmul.Matrix // [QLora] x [embd]
	qANorm  []float32      // [QLora]
	qB      *matmul.Matrix // [Heads*QK] x [QLora]
	kvA     *matmul.Matrix // [Row] x [embd]
	kvANorm []float32      // [KVLora]

	absorb []*matmul.Matrix // [Heads] of [KVLora] x [Nope]: Kb, transposed
	keys   []*matmul.Matrix // [Heads] of [Nope] x [KVLora]: Kb
	values []*matmul.Matrix // [Heads] of [Value] x [KVLora]: Vb
	legacy bool             // the file has keys, not absorb

	// Products with the residual and with the query latent. Those of the indexer's
	// queries come last.
	down, up []layers.Product
	kinds    layers.Kinds // of down
	upKinds  layers.Kinds
	// What the last worker to arrive at a barrier does of a few rows, or of one.
	storeAll, prepareAll, keepAll func(w int)
	cacheOff                      int // first byte of the layer in a cache block
}

// Bind declares the tensors of a layer. Files of before April 2025 hold Kb and
// Vb of a head side by side in attn_kv_b; newer ones hold Kb transposed, and Vb,
// in tensors of their own. Files with both are read in the new way.
func (l *Layer) Bind(b *weights.Binder, prefix string, embd int, d Dims) {
	l.Dims = d
	if d.QLora > 0 {
		b.Matrix(&l.qA, prefix+"attn_q_a.weight", d.QLora, embd)
		b.Vector(&l.qANorm, prefix+"attn_q_a_norm.weight", d.QLora)
		b.Matrix(&l.qB, prefix+"attn_q_b.weight", d.Heads*d.QK(), d.QLora)
	} else {
		b.Matrix(&l.q, prefix+"attn_q.weight", d.Heads*d.QK(), embd)
	}
	b.Matrix(&l.kvA, prefix+"attn_kv_a_mqa.weight", d.Row(), embd)
	b.Vector(&l.kvANorm, prefix+"attn_kv_a_norm.weight", d.KVLora)
	both := prefix + "attn_kv_b.weight"
	l.legacy = b.Has(both) && !b.Has(prefix+"attn_k_b.weight")
	if l.legacy {
		every := d.Nope + d.Value
		b.ViewsOf(&l.keys, both, d.Heads, d.Nope, d.KVLora, 0, every)
		b.ViewsOf(&l.values, both, d.Heads, d.Value, d.KVLora, d.Nope, every)
	} else {
		b.ViewsOf(&l.absorb, prefix+"attn_k_b.weight", d.Heads, d.KVLora, d.Nope, 0, d.KVLora)
		b.ViewsOf(&l.values, prefix+"attn_v_b.weight", d.Heads, d.Value, d.KVLora, 0, d.Value)
	}
	b.Matrix(&l.Out, prefix+"attn_output.weight", embd, d.Heads*d.Value)
	if l.Index != nil {
		l.Index.bind(b, prefix, embd, d.QLora)
	}
}

// Ready finishes the layer after its weights are there (or outlined, for a
// plan). cacheOff is where the layer begins in a cache block.
func (l *Layer) Ready(exact bool, cacheOff int) {
	l.cacheOff = cacheOff
	l.down = []layers.Product{{M: l.kvA}}
	if l.qA != nil {
		l.down = append(l.down, layers.Product{M: l.qA})
		l.up = []layers.Product{{M: l.qB}}
	} else {
		l.down = append(l.down, layers.Product{M: l.q})
	}
	if l.Index != nil {
		l.down = append(l.down, layers.Product{M: l.Index.k}, layers.Product{M: l.Index.proj})
		l.up = append(l.up, layers.Product{M: l.Index.qB})
	}
	l.kinds, l.upKinds = layers.KindsOf(exact, l.down), layers.KindsOf(exact, l.up)
}

// connect tells the products where their results go.
func (l *Layer) connect(e *layers.Env, st *State) {
	l.storeAll = func(int) { l.store(e, st, 0, e.N()) }
	l.prepareAll = func(int) { l.Index.prepare(e, l, st, 0, e.N()) }
	l.keepAll = func(w int) { l.Index.keepRows(e, w, st.index, 0, e.N()) }
	set := func(p *layers.Product, dst []float32, ld int) { p.Dst, p.LD = dst, ld }
	set(&l.down[0], st.kva, l.Row())
	if l.qA != nil {
		set(&l.down[1], st.qa, l.QLora)
		set(&l.up[0], st.q, l.Heads*l.QK())
	} else {
		set(&l.down[1], st.q, l.Heads*l.QK())
	}
	if x := l.Index; x != nil {
		set(&l.down[2], st.index.k, x.Dim)
		set(&l.down[3], st.index.weights, x.Heads)
		set(&l.up[1], st.index.q, x.Heads*x.Dim)
	}
}

// Kinds returns all kinds of activations that the layer's shared rows need, and
// the widest of those rows.
func (l *Layer) Kinds(exact bool) (layers.Kinds, int) {
	k := append(layers.Kinds(nil), l.kinds...).With(l.upKinds...).Add(exact, l.Out)
	return k, max(l.Heads*l.Value, l.QLora, l.Row())
}

// TokenBytes returns what one token takes in the cache of this layer.
func (l *Layer) TokenBytes(elem attend.Elem) int {
	n := elem.RowBytes(l.Row())
	if l.Index != nil {
		n += l.Index.elem(elem).RowBytes(l.Index.Dim)
	}
	return n
}

// CacheCosts returns what one token takes in all layers with each element type.
func CacheCosts(list []*Layer) []model.CacheCost {
	var costs []model.CacheCost
	for _, elem := range []attend.Elem{attend.F32, attend.F16, attend.BF16, attend.Q8_0} {
		n := 0
		for _, l := range list {
			n += l.TokenBytes(elem)
		}
		costs = append(costs, model.CacheCost{Elem: elem, BytesPerToken: int64(n)})
	}
	return costs
}
