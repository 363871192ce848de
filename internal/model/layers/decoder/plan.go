package decoder

import (
	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/model/layers/attention"
	"github.com/holdfast-llm/holdfast/internal/model/layers/ffn"
	"github.com/holdfast-llm/holdfast/internal/model/layers/head"
	"github.com/holdfast-llm/holdfast/internal/model/layers/moe"
	"github.com/holdfast-llm/holdfast/internal/model/layers/weights"
)

// sizes is what the scratch memory depends on.
type sizes struct {
	env     layers.Shape
	width   int       // widest dense or shared feed-forward, 0 without
	experts bool      // there are routed experts
	down    moe.Downs // kinds of the experts' hidden units
}

// sizes looks through all layers for what their shared memory must hold.
func (n *network) sizes(o model.Options) sizes {
	c := n.cfg
	s := sizes{env: layers.Shape{Embd: c.Embd, MaxCols: c.Embd, Fine: layers.Fine(o, c.Embd)}}
	k := layers.Kinds(nil).Add(o.Exact, n.output)
	for i := range n.blocks {
		l := &n.blocks[i]
		s.env.MaxCols = max(s.env.MaxCols, l.attn.Heads*l.attn.ValueDim)
		k = k.With(l.attn.Kinds...).Add(o.Exact, l.attn.Out)
		dense := l.dense
		if l.moe != nil {
			dense = l.moe.Shared
			s.experts = true
			s.down.Add(o.Exact, l.moe)
			k = k.With(l.moe.Kinds...)
		}
		if l.dense != nil && l.dense.Fine != nil {
			s.env.FineCols = max(s.env.FineCols, l.dense.Width)
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
	b := layers.EnvBytes(o, s.env) + attention.StateBytes(o, n.cfg)
	if s.width > 0 {
		b += ffn.BuffersBytes(o, s.width)
	}
	if s.experts {
		b += moe.StateBytes(o, n.cfg, s.down)
	}
	return b
}

// plan says what load would allocate.
func (s Spec) plan(f *gguf.File, o model.Options) (*model.MemoryPlan, error) {
	c, err := s.config(f)
	if err != nil {
		return nil, err
	}
	b := weights.NewBinder(f, o.KeepMapped)
	n := s.bind(b, c)
	if err := b.Outline(); err != nil {
		return nil, err
	}
	n.ready(o)
	w := b.Sizes()
	scratch, logits := n.scratchBytes(o, n.sizes(o)), head.Bytes(c.Vocab)
	p := &model.MemoryPlan{
		Config:  c,
		Weights: w.Total(),
		Mapped:  w.Mapped,
		Scratch: scratch + logits,
		Parts: append(w.Parts(),
			model.MemoryPart{Name: "scratch", Bytes: scratch},
			model.MemoryPart{Name: "logits", Bytes: logits}),
		Cache: attention.CacheCosts(c),
	}
	return p, nil
}
