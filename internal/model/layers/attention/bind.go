// Package attention computes grouped-query attention over a paged cache:
// several query heads share one key and value head, and the cache of a sequence
// is a list of blocks.
//
// Inside a block of BlockTokens positions the order is
//
//	[layer][K, V][kv head][token][bytes of one row]
//
// so that the rows of one head follow each other and a kernel runs over as many
// as a block holds.
package attention

import (
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/model/layers/weights"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
)

// A Layer is the attention of one layer.
type Layer struct {
	Heads, KVHeads   int
	KeyDim, ValueDim int

	in       []span // the projections to q, k, v, or one for all three
	Out      *matmul.Matrix
	biases   [3][]float32 // of q, k, v; nil without
	fused    []float32    // bias of all three
	OutBias  []float32    // [embd], nil without
	Kinds    layers.Kinds // of activations that the projections multiply with
	qNorm    []float32    // [KeyDim] norm of each query head, nil without
	kNorm    []float32
	cacheOff int // first byte of the layer in a block
}

// A span is one projection and the column of the row buffer it writes to.
type span struct {
	m   *matmul.Matrix
	out int
}

// Style says which tensors an architecture's attention has and how it rotates.
type Style struct {
	Neox     bool // pairs are half a head apart
	HeadNorm bool // each query and key head is normalised before it is rotated
	NeedBias bool // q, k and v biases are required
}

// Bind declares the tensors of layer i.
func (l *Layer) Bind(b *weights.Binder, prefix string, c *model.Config, i int, s Style) {
	l.Heads, l.KVHeads, l.KeyDim, l.ValueDim = c.Heads[i], c.KVHeads[i], c.KeyDim, c.ValueDim
	q, k, v := l.Heads*l.KeyDim, l.KVHeads*l.KeyDim, l.KVHeads*l.ValueDim
	if b.Has(prefix + "attn_qkv.weight") {
		l.in = make([]span, 1)
		b.Matrix(&l.in[0].m, prefix+"attn_qkv.weight", q+k+v, c.Embd)
	} else {
		l.in = []span{{}, {out: q}, {out: q + k}}
		b.Matrix(&l.in[0].m, prefix+"attn_q.weight", q, c.Embd)
		b.Matrix(&l.in[1].m, prefix+"attn_k.weight", k, c.Embd)
		b.Matrix(&l.in[2].m, prefix+"attn_v.weight", v, c.Embd)
	}
	l.bindBiases(b, prefix, [3]int{q, k, v}, s.NeedBias)
	b.Matrix(&l.Out, prefix+"attn_output.weight", c.Embd, l.Heads*l.ValueDim)
	b.OptVector(&l.OutBias, prefix+"attn_output.bias", c.Embd)
	if s.HeadNorm {
		b.Vector(&l.qNorm, prefix+"attn_q_norm.weight", l.KeyDim)
		b.Vector(&l.kNorm, prefix+"attn_k_norm.weight", l.KeyDim)
	}
}

func (l *Layer) bindBiases(b *weights.Binder, prefix string, n [3]int, need bool) {
	if b.Has(prefix + "attn_qkv.bias") {
		b.Vector(&l.fused, prefix+"attn_qkv.bias", n[0]+n[1]+n[2])
		return
	}
	for j, name := range [3]string{"attn_q.bias", "attn_k.bias", "attn_v.bias"} {
		if need {
			b.Vector(&l.biases[j], prefix+name, n[j])
		} else {
			b.OptVector(&l.biases[j], prefix+name, n[j])
		}
	}
}

// Ready finishes the layer after its weights are there. cacheOff is where it
// begins in a cache block.
func (l *Layer) Ready(exact bool, cacheOff int) {
	l.cacheOff = cacheOff
	for _, s := range l.in {
		l.Kinds = l.Kinds.Add(exact, s.m)
	}
	if l.fused == nil {
		return
	}
	q, k := l.Heads*l.KeyDim, l.KVHeads*l.KeyDim
	l.biases = [3][]float32{l.fused[:q], l.fused[q : q+k], l.fused[q+k:]}
}

// width returns the length of a row of q, k and v together.
func (l *Layer) width() int { return l.Heads*l.KeyDim + l.KVHeads*(l.KeyDim+l.ValueDim) }
