package deepseek2

import (
	"math"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers/mla"
	"github.com/holdfast-llm/holdfast/internal/model/layers/moe"
)

// latentEps is the epsilon of the norms of the query and key latents. The
// reference has it fixed, whatever rms_norm_eps is; every DeepSeek model has the
// same value there, GLM-4.7-Flash has not.
const latentEps = 1e-6

const (
	maxDim  = 1 << 20
	maxHead = 1 << 16
	maxTopK = 1 << 16 // memory for choices is taken per row, whatever the file's size
)

// A Spec describes one of the architectures with these layers.
type Spec struct {
	// Indexer says that every layer has a lightning indexer.
	Indexer bool
}

// Architecture makes a Spec loadable.
func (s Spec) Architecture() model.Architecture {
	return model.Architecture{Load: s.load, Plan: s.plan, BF16Cache: true}
}

// config is what the metadata says.
type config struct {
	*model.Config
	dims  mla.Dims
	scale float32 // of attention scores
	plain bool    // rotations have magnitude 1; the temperature is in scale
	rule  moe.GroupRule
	index *mla.Index // sizes, nil without
}

// config reads and checks the metadata.
func (s Spec) config(f *gguf.File) (*config, error) {
	base, m := model.ReadConfig(f)
	c := &config{Config: base}
	c.readDims(m)
	c.readExperts(f, m)
	c.readScale()
	if s.Indexer {
		c.readIndex(m)
	}
	if err := m.Err(); err != nil {
		return nil, err
	}
	for i, ff := range c.FF {
		if ff == 0 && !c.hasMoE(i) {
			m.Fail("feed_forward_length", "is missing or 0 for layer %d, expected the width of its feed-forward", i)
		}
	}
	return c, m.Err()
}

// readDims reads the sizes of latent attention. In files made before April 2025
// key_length and value_length are those of a head; newer ones have these under
// other names, and the sizes of the cached row here.
func (c *config) readDims(m *model.Meta) {
	d := &c.dims
	if m.Err() != nil {
		return
	}
	d.Heads = c.Heads[0]
	for i, h := range c.Heads {
		if h != d.Heads {
			m.Fail("attention.head_count", "is %d for layer %d and %d for layer 0, expected the same for all", h, i, d.Heads)
		}
	}
	d.QLora = m.IntOr("attention.q_lora_rank", 0, maxDim)
	d.KVLora = m.Int("attention.kv_lora_rank", maxDim)
	d.Rope = m.IntOr("rope.dimension_count", 64, maxDim)
	qk := m.IntOr("attention.key_length_mla", 0, maxDim)
	if qk == 0 {
		qk = c.KeyDim
	}
	d.Value = m.IntOr("attention.value_length_mla", 0, maxDim)
	if d.Value == 0 {
		d.Value = c.ValueDim
	}
	if m.Err() != nil {
		return
	}
	d.Nope = qk - d.Rope
	c.Rope.Dims = d.Rope
	switch {
	case d.Rope < 2 || d.Rope%2 != 0:
		m.Fail("rope.dimension_count", "is %d, expected an even number", d.Rope)
	case d.Nope < 1:
		m.Fail("attention.key_length", "gives heads of %d, expected more than the %d rotated dimensions", qk, d.Rope)
	case d.Heads*max(qk, d.Value, d.Row()) > 1<<28:
		m.Fail("attention.head_count", "is %d with heads of %d: too large", d.Heads, qk)
	}
}

// readExperts sets what depends on the generation. A softmax router (V2) scores
// a group of experts by its best one, a sigmoid router (V3) by its best two.
func (c *config) readExperts(f *gguf.File, m *model.Meta) {
	e := &c.MoE
	if m.Err() != nil || e.Experts == 0 {
		return
	}
	if e.FF == 0 {
		m.Fail("expert_feed_forward_length", "is missing or 0, expected the width of an expert")
	}
	if e.Gating == model.GatingNone {
		e.Gating = model.GatingSoftmax
		// GLM-4.7-Flash files made before the key existed.
		if (c.Layers+c.NextN == 47 || c.Layers+c.NextN == 48) && c.Vocab == 154880 {
			e.Gating = model.GatingSigmoid
		}
	}
	c.rule = moe.GroupTop2
	if e.Gating == model.GatingSoftmax {
		c.rule = moe.GroupMax
	}
	if e.SharedFF == 0 {
		e.SharedFF = e.FF * e.Shared
	}
}

// readScale computes the factor on attention scores. YaRN's temperature is
// squared into it, and then the rotations keep their length; only files without
// the multiplier put it on the rotations, as the reference does.
func (c *config) readScale() {
	r := &c.Rope
	t := 1.0
	if r.ExtFactor != 0 && r.LogMultiplier != 0 {
		c.plain = true
		if r.Factor > 1 {
			t = 1 + r.LogMultiplier*math.Log(r.Factor)
		}
	}
	c.scale = float32(t * t / math.Sqrt(float64(c.dims.QK())))
}

func (c *config) readIndex(m *model.Meta) {
	c.index = &mla.Index{
		Heads: m.Int("attention.indexer.head_count", maxHead),
		Dim:   m.Int("attention.indexer.key_length", maxDim),
		TopK:  m.Int("attention.indexer.top_k", maxTopK),
	}
	if m.Err() != nil {
		return
	}
	if c.dims.QLora == 0 {
		m.Fail("attention.q_lora_rank", "is missing or 0: the indexer needs the query latent")
	}
	if c.index.Dim < c.dims.Rope {
		m.Fail("attention.indexer.key_length", "is %d, expected at least the %d rotated dimensions", c.index.Dim, c.dims.Rope)
	}
}

func (c *config) hasMoE(layer int) bool { return c.MoE.Experts > 0 && layer >= c.MoE.LeadingDense }

// topK returns how many positions a row attends to at most, 0 for all.
func (c *config) topK() int {
	if c.index == nil {
		return 0
	}
	return c.index.TopK
}
