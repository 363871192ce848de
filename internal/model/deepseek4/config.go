package deepseek4

import (
	"fmt"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers/csa"
	"github.com/holdfast-llm/holdfast/internal/model/layers/engram"
	"github.com/holdfast-llm/holdfast/internal/model/layers/hyper"
)

const (
	maxDim   = 1 << 20
	maxCount = 1 << 16
	// Memory for these is taken per row, worker or sequence, whatever the file's size.
	maxTopK, maxWindow, maxBlocks, maxBlock = 1 << 16, 1 << 16, 1 << 14, 1 << 8
	// noClamp is the limit up to which a clamp means that there is none.
	noClamp = 1e-6
	// overlapRatio is the ratio whose compressor also takes the block before,
	// and whose rows an indexer picks from.
	overlapRatio = 4
)

// config is what the metadata says.
type config struct {
	*model.Config
	spec   Spec
	dims   csa.Dims
	hyper  hyper.Params
	ratios []int     // [Layers]
	clamp  []float32 // [Layers] of the routed experts, 0 for none
	shared []float32 // [Layers] of the shared experts
	hash   int       // first layers that choose experts by the token

	short, long model.Rope
	index       csa.Index // sizes
	blocks      csa.Blocks
	candidate   int // layer that chooses candidates, -1 for the first with ratio 1
	engram      map[int]*engram.Layer
}

// config reads and checks the metadata.
func (s Spec) config(f *gguf.File) (*config, error) {
	base, m := model.ReadConfig(f)
	c := &config{Config: base, spec: s}
	c.drafters(f, m)
	c.readAttention(f, m)
	c.readRopes(m)
	c.readExperts(f, m)
	c.hyper = hyper.Params{
		Streams: m.Int("hyper_connection.count", hyper.MaxStreams),
		Iters:   m.Int("hyper_connection.sinkhorn_iterations", 1000),
		Eps:     float32(m.Float("hyper_connection.epsilon")),
		RMSEps:  c.Eps,
		Lagged:  s.V41,
	}
	if s.V41 && m.Err() == nil {
		c.engram = engram.Read(f, m, c.Config)
	}
	return c, m.Err()
}

// drafters corrects the number of layers in files that announce layers for
// drafting and do not have them.
func (c *config) drafters(f *gguf.File, m *model.Meta) {
	if c.NextN == 0 || m.Err() != nil {
		return
	}
	for _, name := range []string{"nextn.eh_proj.weight", "nextn.shared_head_norm.weight", "nextn.hc_head_fn.weight"} {
		if _, ok := f.Tensor(fmt.Sprintf("blk.%d.%s", c.Layers, name)); ok {
			return
		}
	}
	n := c.Layers + c.NextN
	c.Layers, c.NextN = n, 0
	c.Heads = m.PerLayer("attention.head_count", n, maxCount, nil)
	c.KVHeads = m.PerLayer("attention.head_count_kv", n, maxCount, c.Heads)
	c.FF = make([]int, n)
}

func (c *config) readAttention(f *gguf.File, m *model.Meta) {
	d := &c.dims
	d.HeadNorm = !c.spec.V41
	d.Dim, d.Rope = c.KeyDim, c.Rope.Dims
	d.QLora = m.Int("attention.q_lora_rank", maxDim)
	d.Groups = m.Int("attention.output_group_count", maxCount)
	d.OLora = m.Int("attention.output_lora_rank", maxDim)
	d.Window = m.Int("attention.sliding_window", maxWindow)
	c.index = csa.Index{
		Heads: m.Int("attention.indexer.head_count", maxCount),
		Dim:   m.Int("attention.indexer.key_length", maxDim),
		TopK:  m.Int("attention.indexer.top_k", maxTopK),
	}
	if m.Err() != nil {
		return
	}
	d.Heads = c.Heads[0]
	for i, h := range c.Heads {
		if h != d.Heads {
			m.Fail("attention.head_count", "is %d for layer %d and %d for layer 0, expected the same for all", h, i, d.Heads)
		}
	}
	switch {
	case c.ValueDim != d.Dim:
		m.Fail("attention.value_length", "is %d, expected the key length %d: keys are values", c.ValueDim, d.Dim)
	case d.Heads%d.Groups != 0:
		m.Fail("attention.output_group_count", "is %d, expected a divisor of the %d heads", d.Groups, d.Heads)
	case c.index.Dim < d.Rope:
		m.Fail("attention.indexer.key_length", "is %d, expected at least the %d rotated dimensions", c.index.Dim, d.Rope)
	case d.Heads*max(d.Dim, c.index.Dim) > 1<<28 || c.index.Heads*c.index.Dim > 1<<28:
		m.Fail("attention.head_count", "is %d with heads of %d: too large", d.Heads, d.Dim)
	}
	c.readRatios(f, m)
	c.readCandidates(m)
}

func (c *config) readRatios(f *gguf.File, m *model.Meta) {
	const key = "attention.compress_ratios"
	list, ok, err := f.Ints(m.Key(key))
	switch {
	case err != nil:
		m.Fail(key, "is not an array of integers: %v", err)
	case !ok:
		m.Fail(key, "is missing: a %s file must have it as an array with one integer per layer", c.Arch)
	case len(list) < c.Layers:
		m.Fail(key, "has %d entries, expected at least one for each of the %d layers", len(list), c.Layers)
	}
	if m.Err() != nil {
		return
	}
	for i, r := range list[:c.Layers] {
		if r < 0 || r > maxCount {
			m.Fail(key, "is %d for layer %d, expected 0 to %d", r, i, maxCount)
			return
		}
		c.ratios = append(c.ratios, int(r))
	}
}

// readCandidates reads how V4.1 narrows rows down. The numbers cannot be told
// from the tensors; without the keys they are those of the release.
func (c *config) readCandidates(m *model.Meta) {
	if !c.spec.V41 {
		return
	}
	first := func(def, limit int, names ...string) int {
		for _, name := range names {
			if m.Has(name) {
				return m.IntOr(name, def, limit)
			}
		}
		return def
	}
	c.candidate = first(-1, maxCount, "attention.candidate_source_layer_id", "candidate_source_layer_id", "candidate_source_layer")
	c.blocks.TopK = first(2048, maxBlocks, "attention.candidate_topk_blocks", "candidate_topk_blocks")
	c.blocks.Size = first(8, maxBlock, "attention.candidate_block_size", "candidate_block_size")
	if m.Err() == nil && (c.blocks.TopK < 1 || c.blocks.Size < 1) {
		m.Fail("attention.candidate_topk_blocks", "is %d with blocks of %d, expected at least 1", c.blocks.TopK, c.blocks.Size)
	}
}

// readRopes makes the two rotations: plain for layers that see the window alone,
// and stretched, from a base of its own, for layers with compressed rows. YaRN's
// factor on the length is left out.
func (c *config) readRopes(m *model.Meta) {
	c.short, c.long = c.Rope, c.Rope
	c.short.Scaling, c.short.Factor, c.short.ExtFactor, c.short.AttnFactor = "none", 1, 0, 1
	c.long.Base = m.Float("attention.compress_rope_freq_base")
	if m.Err() == nil && !(c.long.Base > 1) {
		m.Fail("attention.compress_rope_freq_base", "is %v, expected more than 1", c.long.Base)
	}
}

func (c *config) readExperts(f *gguf.File, m *model.Meta) {
	e := &c.MoE
	c.hash = m.IntOr("hash_layer_count", 0, maxCount)
	if m.Err() != nil {
		return
	}
	if e.Experts == 0 {
		m.Fail("expert_count", "is missing or 0, expected the number of experts of a mixture")
	}
	if e.FF == 0 {
		m.Fail("expert_feed_forward_length", "is missing or 0, expected the width of an expert")
	}
	if e.Gating == model.GatingNone {
		e.Gating = model.GatingSqrtSoftplus
	}
	e.Norm = m.BoolOr("expert_weights_norm", true)
	e.Groups = 0
	if e.SharedFF == 0 {
		e.SharedFF = e.FF * e.Shared
	}
	c.clamp = c.clamps(f, m, "swiglu_clamp_exp", make([]float32, c.Layers))
	c.shared = c.clamps(f, m, "swiglu_clamp_shexp", c.clamp)
}

// clamps reads limits for each layer: one for all, or a list, whose last entry
// stands for all layers after it.
func (c *config) clamps(f *gguf.File, m *model.Meta, key string, def []float32) []float32 {
	if !m.Has(key) {
		return def
	}
	list, _, err := f.Floats(m.Key(key))
	if err != nil {
		list = []float32{float32(m.Float(key))}
	}
	if len(list) == 0 {
		return def
	}
	out := make([]float32, c.Layers)
	for i := range out {
		out[i] = list[min(i, len(list)-1)]
		if !(out[i] > noClamp) {
			out[i] = 0
		}
	}
	return out
}
