package deepseek4

import (
	"errors"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/model/layers/csa"
	"github.com/holdfast-llm/holdfast/internal/model/layers/engram"
	"github.com/holdfast-llm/holdfast/internal/model/layers/ffn"
	"github.com/holdfast-llm/holdfast/internal/model/layers/head"
	"github.com/holdfast-llm/holdfast/internal/model/layers/hyper"
	"github.com/holdfast-llm/holdfast/internal/model/layers/moe"
	"github.com/holdfast-llm/holdfast/internal/model/layers/weights"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
)

// sizes is what the scratch memory depends on.
type sizes struct {
	env   layers.Shape
	width int       // of the shared experts, 0 without
	down  moe.Downs // kinds of the experts\' hidden units
}

// sizes looks through all layers for what their shared memory must hold.
func (n *network) sizes(o model.Options) sizes {
	c := n.cfg
	s := sizes{env: layers.Shape{Embd: c.Embd, MaxCols: c.Embd}}
	k := layers.Kinds{matmul.F32}.Add(o.Exact, n.output)
	for i := range n.blocks {
		l := &n.blocks[i]
		ak, cols := l.attn.Kinds(o.Exact)
		s.env.MaxCols = max(s.env.MaxCols, cols)
		k = k.With(ak...).With(l.moe.Kinds...)
		s.down.Add(o.Exact, &l.moe)
		if d := l.moe.Shared; d != nil {
			s.width = max(s.width, d.Width)
			k = k.With(d.Kinds...).Add(o.Exact, d.Down)
		}
		if l.engram != nil {
			s.env.MaxCols = max(s.env.MaxCols, l.engram.Width())
			k = k.With(l.engram.Kinds()...)
		}
	}
	s.env.MaxCols = max(s.env.MaxCols, s.width)
	s.env.Kinds = k
	return s
}

// scratchBytes returns the memory beside weights and logits.
func (n *network) scratchBytes(o model.Options, s sizes) int64 {
	c := n.cfg
	b := layers.EnvBytes(o, s.env) +
		hyper.StateBytes(o, c.hyper, c.Embd) + csa.StateBytes(o, c.dims, c.blocks, n.attn) +
		moe.StateBytes(o, c.Config, s.down)
	if s.width > 0 {
		b += ffn.BuffersBytes(o, s.width)
	}
	if len(n.engrams) > 0 {
		b += engram.StateBytes(o, n.engrams[0].Params, c.Embd, c.hyper.Streams)
	}
	return b
}

// tableBytes is the size of the n-gram tables, which stay in the file.
func (n *network) tableBytes() int64 {
	b := int64(0)
	for _, l := range n.engrams {
		b += l.TableBytes()
	}
	return b
}

// parts lists the weights.
func (n *network) parts(s weights.Sizes) []model.MemoryPart {
	parts := s.Parts()
	if b := n.tableBytes(); b > 0 {
		parts = append(parts, model.MemoryPart{Name: "n-gram tables (mapped)", Bytes: b})
	}
	return parts
}

// plan says what load would allocate.
func (s Spec) plan(f *gguf.File, o model.Options) (*model.MemoryPlan, error) {
	c, err := s.config(f)
	if err != nil {
		return nil, err
	}
	b := weights.NewBinder(f, o.KeepMapped)
	n, err := bind(f, b, c)
	if err != nil {
		return nil, errors.Join(b.Err(), err)
	}
	if err := b.Outline(); err != nil {
		return nil, err
	}
	n.ready(o)
	w := b.Sizes()
	scratch, logits := n.scratchBytes(o, n.sizes(o)), head.Bytes(c.Vocab)
	p := &model.MemoryPlan{
		Config:  c.Config,
		Weights: w.Total(),
		Mapped:  w.Mapped + n.tableBytes(),
		Scratch: scratch + logits,
		Parts: append(n.parts(w),
			model.MemoryPart{Name: "scratch", Bytes: scratch},
			model.MemoryPart{Name: "logits", Bytes: logits}),
	}
	for _, elem := range []attend.Elem{attend.F32, attend.F16, attend.BF16, attend.Q8_0} {
		spec := csa.Layout(n.attn, elem, o.BlockTokens)
		p.Cache = append(p.Cache, model.CacheCost{Elem: elem, BytesPerToken: int64((spec.BlockBytes + o.BlockTokens - 1) / o.BlockTokens)})
	}
	return p, nil
}
