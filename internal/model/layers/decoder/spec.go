// Package decoder is the standard pre-norm transformer as one program: grouped
// query attention and SwiGLU or a mixture of experts. LLaMA, Qwen and their
// relatives differ only in a few switches, which a Spec holds.
package decoder

import (
	"fmt"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/model/layers/attention"
	"github.com/holdfast-llm/holdfast/internal/model/layers/ffn"
	"github.com/holdfast-llm/holdfast/internal/model/layers/moe"
	"github.com/holdfast-llm/holdfast/internal/model/layers/rope"
	"github.com/holdfast-llm/holdfast/internal/model/layers/weights"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
)

// A Spec describes one architecture.
type Spec struct {
	Attention attention.Style
	// Config adjusts what was read from the metadata to the architecture's rules
	// and reports what it needs and does not find. May be nil.
	Config func(c *model.Config, m *model.Meta)
}

// DenseOnly is the Config of architectures whose mixtures are not known here: a
// file with experts is refused instead of being run by a guess.
func DenseOnly(c *model.Config, m *model.Meta) {
	if c.MoE.Experts > 0 {
		m.Fail("expert_count", "is %d: %s models with experts are not supported", c.MoE.Experts, c.Arch)
	}
}

// Architecture makes a Spec loadable.
func (s Spec) Architecture() model.Architecture {
	return model.Architecture{Load: s.load, Plan: s.plan}
}

// network holds the weights of a model.
type network struct {
	cfg      *model.Config
	style    attention.Style
	embed    *matmul.Matrix // [vocab] x [embd]
	output   *matmul.Matrix // [vocab] x [embd], may be embed
	outNorm  []float32      // [embd]
	ropeFreq []float32      // [rope dims / 2], nil without
	blocks   []block
}

// block is one layer.
type block struct {
	attnNorm []float32 // [embd]
	ffnNorm  []float32 // [embd]
	attn     attention.Layer
	dense    *ffn.FFN // either this
	moe      *moe.MoE // or this
}

// config reads and checks the metadata.
func (s Spec) config(f *gguf.File) (*model.Config, error) {
	c, m := model.ReadConfig(f)
	if s.Config != nil && m.Err() == nil {
		s.Config(c, m)
	}
	if err := m.Err(); err != nil {
		return nil, err
	}
	for i, ff := range c.FF {
		if ff == 0 && !hasMoE(c, i) {
			m.Fail("feed_forward_length", "is missing or 0 for layer %d, expected the width of its feed-forward", i)
		}
	}
	if c.MoE.Experts > 0 && c.MoE.FF == 0 {
		m.Fail("expert_feed_forward_length", "is missing or 0, expected the width of an expert")
	}
	return c, m.Err()
}

func hasMoE(c *model.Config, layer int) bool {
	return c.MoE.Experts > 0 && layer >= c.MoE.LeadingDense
}

// bind declares all tensors.
func (s Spec) bind(b *weights.Binder, c *model.Config) *network {
	n := &network{cfg: c, style: s.Attention, blocks: make([]block, c.Layers)}
	b.Matrix(&n.embed, "token_embd.weight", c.Vocab, c.Embd)
	b.Vector(&n.outNorm, "output_norm.weight", c.Embd)
	b.OptVector(&n.ropeFreq, "rope_freqs.weight", c.Rope.Dims/2)
	for i := range n.blocks {
		l, prefix := &n.blocks[i], fmt.Sprintf("blk.%d.", i)
		b.Vector(&l.attnNorm, prefix+"attn_norm.weight", c.Embd)
		b.Vector(&l.ffnNorm, prefix+"ffn_norm.weight", c.Embd)
		l.attn.Bind(b, prefix, c, i, s.Attention)
		if hasMoE(c, i) {
			l.moe = &moe.MoE{}
			l.moe.Bind(b, prefix, c.Embd, &c.MoE)
		} else {
			l.dense = &ffn.FFN{}
			l.dense.Bind(b, prefix+"ffn_", "", c.Embd, c.FF[i])
		}
	}
	output := "output.weight"
	if !b.Has(output) {
		output = "token_embd.weight" // tied
	}
	b.Matrix(&n.output, output, c.Vocab, c.Embd)
	return n
}

// ready finishes the layers after their weights are there.
func (n *network) ready(o model.Options) {
	off, fine := 0, layers.Fine(o, n.cfg.Embd)
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
	if last := &n.blocks[len(n.blocks)-1]; fine && last.dense != nil {
		last.dense.MakeFine()
	}
}

// angles prepares the rotations after the weights are there.
func (n *network) angles() (*rope.Angles, error) { return rope.New(&n.cfg.Rope, n.ropeFreq) }
