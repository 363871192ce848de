package deepseek2

import (
	"fmt"

	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/model/layers/ffn"
	"github.com/holdfast-llm/holdfast/internal/model/layers/mla"
	"github.com/holdfast-llm/holdfast/internal/model/layers/moe"
	"github.com/holdfast-llm/holdfast/internal/model/layers/rope"
	"github.com/holdfast-llm/holdfast/internal/model/layers/weights"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
)

// network holds the weights of a model.
type network struct {
	cfg     *config
	embed   *matmul.Matrix // [vocab] x [embd]
	output  *matmul.Matrix // [vocab] x [embd], may be embed
	outNorm []float32      // [embd]
	blocks  []block
	attn    []*mla.Layer // of all blocks
}

// block is one layer.
type block struct {
	attnNorm []float32 // [embd]
	ffnNorm  []float32 // [embd]
	attn     *mla.Layer
	dense    *ffn.FFN // either this
	moe      *moe.MoE // or this
}

// bind declares all tensors. Those of NextN blocks, which follow the main
// layers, are left alone.
func bind(b *weights.Binder, c *config) *network {
	n := &network{cfg: c, blocks: make([]block, c.Layers)}
	dims := c.dims
	// V2-Lite has no query latent; some of its files have the key, with 0.
	if b.Has("blk.0.attn_q.weight") && c.index == nil {
		dims.QLora = 0
		c.dims = dims
	}
	b.Matrix(&n.embed, "token_embd.weight", c.Vocab, c.Embd)
	b.Vector(&n.outNorm, "output_norm.weight", c.Embd)
	for i := range n.blocks {
		l, prefix := &n.blocks[i], fmt.Sprintf("blk.%d.", i)
		b.Vector(&l.attnNorm, prefix+"attn_norm.weight", c.Embd)
		b.Vector(&l.ffnNorm, prefix+"ffn_norm.weight", c.Embd)
		l.attn = &mla.Layer{}
		if c.index != nil {
			x := *c.index
			l.attn.Index = &x
		}
		l.attn.Bind(b, prefix, c.Embd, dims)
		n.attn = append(n.attn, l.attn)
		if c.hasMoE(i) {
			l.moe = &moe.MoE{}
			l.moe.Bind(b, prefix, c.Embd, &c.MoE)
			l.moe.Router.Rule = c.rule
		} else {
			l.dense = &ffn.FFN{}
			l.dense.Bind(b, prefix+"ffn_", "", c.Embd, c.FF[i])
		}
	}
	b.Matrix(&n.output, b.FirstOf("output.weight", "token_embd.weight"), c.Vocab, c.Embd)
	return n
}

// ready finishes the layers after their weights are there.
func (n *network) ready(o model.Options) {
	off := 0
	for i := range n.blocks {
		l := &n.blocks[i]
		l.attn.Ready(o.Exact, off)
		off += o.BlockTokens * l.attn.TokenBytes(o.CacheElem)
		if l.moe != nil {
			l.moe.Ready(o.Exact)
		} else {
			l.dense.Ready(o.Exact)
		}
	}
}

// cacheSpec returns the size of a cache block for all layers.
func (n *network) cacheSpec(o model.Options, elem attend.Elem) model.CacheSpec {
	bytes := 0
	for _, l := range n.attn {
		bytes += l.TokenBytes(elem)
	}
	return model.CacheSpec{BlockTokens: o.BlockTokens, BlockBytes: o.BlockTokens * bytes}
}

// angles prepares the rotations.
func (n *network) angles() (*rope.Angles, error) {
	a, err := rope.New(&n.cfg.Rope, nil)
	if err == nil && n.cfg.plain {
		a.SetMagnitude(1)
	}
	return a, err
}

// sizes is what the scratch memory depends on.
type sizes struct {
	env     layers.Shape
	width   int       // widest dense or shared feed-forward, 0 without
	experts bool      // there are routed experts
	down    moe.Downs // kinds of the experts\' hidden units
}

// sizes looks through all layers for what their shared memory must hold.
func (n *network) sizes(o model.Options) sizes {
	c := n.cfg
	s := sizes{env: layers.Shape{Embd: c.Embd, MaxCols: c.Embd}}
	k := layers.Kinds(nil).Add(o.Exact, n.output)
	for i := range n.blocks {
		l := &n.blocks[i]
		ak, cols := l.attn.Kinds(o.Exact)
		s.env.MaxCols = max(s.env.MaxCols, cols)
		k = k.With(ak...)
		dense := l.dense
		if l.moe != nil {
			dense = l.moe.Shared
			s.experts = true
			s.down.Add(o.Exact, l.moe)
			k = k.With(l.moe.Kinds...)
		}
		if dense != nil {
			s.width = max(s.width, dense.Width)
			k = k.With(dense.Kinds...).Add(o.Exact, dense.Down)
		}
	}
	s.env.MaxCols = max(s.env.MaxCols, s.width)
	s.env.Kinds = k
	return s
}

// scratchBytes returns the memory beside weights and logits.
func (n *network) scratchBytes(o model.Options, s sizes) int64 {
	b := layers.EnvBytes(o, s.env) + mla.StateBytes(o, n.cfg.dims, n.attn)
	if s.width > 0 {
		b += ffn.BuffersBytes(o, s.width)
	}
	if s.experts {
		b += moe.StateBytes(o, n.cfg.Config, s.down)
	}
	return b
}
