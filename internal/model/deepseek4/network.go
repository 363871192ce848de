package deepseek4

import (
	"fmt"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers/csa"
	"github.com/holdfast-llm/holdfast/internal/model/layers/engram"
	"github.com/holdfast-llm/holdfast/internal/model/layers/hyper"
	"github.com/holdfast-llm/holdfast/internal/model/layers/moe"
	"github.com/holdfast-llm/holdfast/internal/model/layers/weights"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
)

// network holds the weights of a model.
type network struct {
	cfg      *config
	embed    *matmul.Matrix // [vocab] x [embd]
	output   *matmul.Matrix // [vocab] x [embd], may be embed
	outNorm  []float32      // [embd]
	collapse *hyper.Collapse
	blocks   []block
	attn     []*csa.Layer    // of all blocks
	engrams  []*engram.Layer // those that there are
}

// block is one layer.
type block struct {
	attnNorm, ffnNorm []float32 // [embd]
	attnMix, ffnMix   hyper.Mix
	attn              csa.Layer
	moe               moe.MoE
	engram            *engram.Layer // nil for most
}

// bind declares all tensors. Those of drafting blocks, which follow the main
// layers, are left alone.
func bind(f *gguf.File, b *weights.Binder, c *config) (*network, error) {
	n := &network{cfg: c, blocks: make([]block, c.Layers)}
	b.Matrix(&n.embed, "token_embd.weight", c.Vocab, c.Embd)
	b.Vector(&n.outNorm, "output_norm.weight", c.Embd)
	if !c.hyper.Lagged {
		n.collapse = &hyper.Collapse{}
		n.collapse.Bind(b, c.Embd, &c.hyper)
	}
	for i := range n.blocks {
		l, prefix := &n.blocks[i], fmt.Sprintf("blk.%d.", i)
		b.Vector(&l.attnNorm, prefix+"attn_norm.weight", c.Embd)
		b.Vector(&l.ffnNorm, prefix+"ffn_norm.weight", c.Embd)
		l.attnMix.Bind(b, prefix+"hc_attn_", c.Embd, &c.hyper)
		l.ffnMix.Bind(b, prefix+"hc_ffn_", c.Embd, &c.hyper)
		l.attn.Dims, l.attn.Ratio = c.dims, c.ratios[i]
		n.attn = append(n.attn, &l.attn)
		if err := n.roles(b, i, prefix); err != nil {
			return nil, err
		}
		l.attn.Bind(b, prefix, c.Embd)
		n.bindExperts(b, i, prefix)
		if l.engram = c.engram[i]; l.engram != nil {
			if err := l.engram.Bind(f, b, prefix, c.Embd, c.hyper.Streams); err != nil {
				return nil, err
			}
			n.engrams = append(n.engrams, l.engram)
		}
	}
	b.Matrix(&n.output, b.FirstOf("output.weight", "token_embd.weight"), c.Vocab, c.Embd)
	return n, nil
}

func (n *network) bindExperts(b *weights.Binder, i int, prefix string) {
	c, x := n.cfg, &n.blocks[i].moe
	x.Bind(b, prefix, c.Embd, &c.MoE)
	x.Clamp = c.clamp[i]
	if x.Shared != nil {
		x.Shared.Clamp = c.shared[i]
	}
	if i < c.hash {
		b.Table(&x.Fixed, prefix+"ffn_gate_tid2eid.weight", c.Vocab, c.MoE.Used)
	}
}

// roles says what layer i makes and sees. In V4 every layer with a ratio makes
// its own rows, and the overlapping ratio has an indexer. In V4.1 the tensors
// tell who makes rows and who picks; the others share.
func (n *network) roles(b *weights.Binder, i int, prefix string) error {
	c, l := n.cfg, n.attn[i]
	switch {
	case l.Ratio == 0:
		return nil
	case c.spec.V41:
		return n.shared(b, i, prefix)
	}
	l.Source = l
	l.Comp = &csa.Compressor{
		Ratio: l.Ratio, Dim: c.dims.Dim, Rope: c.dims.Rope,
		Overlap: l.Ratio == overlapRatio, Gated: true, Phases: true,
	}
	if l.Ratio == overlapRatio {
		x := c.index
		x.Comp = &csa.Compressor{
			Ratio: l.Ratio, Dim: x.Dim, Rope: c.dims.Rope,
			Overlap: true, Gated: true, Phases: true,
		}
		l.Index = &x
	}
	return nil
}

// shared sets the roles of a layer of V4.1.
func (n *network) shared(b *weights.Binder, i int, prefix string) error {
	c, l := n.cfg, n.attn[i]
	if b.Has(prefix+"attn_compressor_kv.weight") || b.Has(prefix+"attn_compress_kv.weight") {
		l.Source = l
		l.Comp = &csa.Compressor{
			Ratio: l.Ratio, Dim: c.dims.Dim, Rope: c.dims.Rope, Gated: l.Ratio > 1,
			Keys: &csa.Keys{Dim: c.index.Dim},
		}
	} else if i > 0 {
		l.Source = n.attn[i-1].Source
	}
	if l.Source == nil || l.Source.Ratio != l.Ratio {
		return fmt.Errorf("model: layer %d has compress ratio %d, but tensor %q is missing and no layer before it makes such rows; "+
			"a complete %s file has it in the layers that make compressed rows", i, l.Ratio, prefix+"attn_compressor_kv.weight", c.Arch)
	}
	if !b.Has(prefix + "indexer.proj.weight") {
		if n.lastIndex(i) == nil {
			return fmt.Errorf("model: tensor %q is missing, and no layer before has an indexer whose choice layer %d could use; "+
				"a complete %s file has it", prefix+"indexer.proj.weight", i, c.Arch)
		}
		l.Reuse = true
		return nil
	}
	x := c.index
	if c.candidate < 0 && l.Ratio == 1 && l.Source == l {
		c.candidate = i
	}
	x.Candidates = i == c.candidate
	x.Narrow = c.candidate >= 0 && i > c.candidate && l.Source == n.attn[c.candidate].Source
	l.Index = &x
	return nil
}

// lastIndex returns the indexer of the last layer before i that has one, if its
// choice is one of the rows that layer i sees.
func (n *network) lastIndex(i int) *csa.Index {
	for j := i - 1; j >= 0; j-- {
		if n.attn[j].Index != nil {
			if n.attn[j].Source != n.attn[i].Source {
				return nil
			}
			return n.attn[j].Index
		}
	}
	return nil
}

// mixes returns the mixes of all sublayers.
func (n *network) mixes() []*hyper.Mix {
	var list []*hyper.Mix
	for i := range n.blocks {
		list = append(list, &n.blocks[i].attnMix, &n.blocks[i].ffnMix)
	}
	return list
}

// firstMix returns the mix that layer i begins with: nil if something else comes
// before it that writes the streams, or if there is no such layer.
func (n *network) firstMix(i int) *hyper.Mix {
	if i == len(n.blocks) || n.blocks[i].engram != nil {
		return nil
	}
	return &n.blocks[i].attnMix
}

// ready finishes the layers after their weights are there.
func (n *network) ready(o model.Options) model.CacheSpec {
	for i := range n.blocks {
		l := &n.blocks[i]
		l.attn.Ready(o.Exact)
		l.moe.Ready(o.Exact)
		if l.engram != nil {
			l.engram.Ready(o.Exact)
		}
	}
	return csa.Layout(n.attn, o.CacheElem, o.BlockTokens)
}

// check looks at what the tables of the loaded file say.
func (n *network) check() error {
	for i := range n.blocks {
		for _, id := range n.blocks[i].moe.Fixed {
			if !(id >= 0) || int(id) >= n.cfg.MoE.Experts {
				return fmt.Errorf("model: tensor \"blk.%d.ffn_gate_tid2eid.weight\" names expert %v, expected 0 to %d", i, id, n.cfg.MoE.Experts-1)
			}
		}
	}
	return nil
}
