package model

import (
	"math"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
)

// Upper bounds of what a file may claim. They are far above every real model
// and keep products of sizes within 63 bits.
const (
	maxLayers = 4096
	maxDim    = 1 << 20
	maxFF     = 1 << 24
	maxHeads  = 1 << 16
	maxVocab  = 1 << 24
	maxCount  = 1 << 30
)

// ReadConfig reads the keys that architectures share. The returned Meta reads
// further ones; its Err must be looked at before the Config is used.
func ReadConfig(f *gguf.File) (*Config, *Meta) {
	m := NewMeta(f)
	c := &Config{Arch: f.Arch()}
	c.Name, _, _ = f.String("general.name")
	c.Context = m.Int("context_length", maxCount)
	c.Embd = m.Int("embedding_length", maxDim)
	blocks := m.Int("block_count", maxLayers)
	c.NextN = m.IntOr("nextn_predict_layers", 0, maxLayers)
	if c.NextN >= blocks && m.Err() == nil {
		m.Fail("nextn_predict_layers", "is %d, expected less than block_count, which is %d", c.NextN, blocks)
	}
	c.Layers = max(blocks-c.NextN, 0)
	c.Vocab = m.IntOr("vocab_size", 0, maxVocab)
	if c.Vocab == 0 {
		c.Vocab = vocabSize(f, m)
	}
	c.Eps = float32(m.Float("attention.layer_norm_rms_epsilon"))
	if c.Eps < 0 {
		m.Fail("attention.layer_norm_rms_epsilon", "is %v, expected at least 0", c.Eps)
	}
	c.FF = m.PerLayer("feed_forward_length", c.Layers, maxFF, repeat(0, c.Layers))
	readHeads(c, m)
	readRope(c, m)
	readMoE(c, m)
	c.Pooling = Pooling(m.IntOr("pooling_type", 0, int(PoolingRank)))
	return c, m
}

// vocabSize counts the rows of the embedding for files without vocab_size.
func vocabSize(f *gguf.File, m *Meta) int {
	tokens, ok, err := f.Strings("tokenizer.ggml.tokens")
	if err == nil && ok && len(tokens) > 0 {
		return len(tokens)
	}
	if t, ok := f.Tensor("token_embd.weight"); ok && len(t.Dims) == 2 && t.Dims[1] <= maxVocab {
		return int(t.Dims[1])
	}
	m.Fail("vocab_size", "is missing, and so are tokenizer.ggml.tokens and token_embd.weight, which would tell it")
	return 0
}

func readHeads(c *Config, m *Meta) {
	c.Heads = m.PerLayer("attention.head_count", c.Layers, maxHeads, nil)
	c.KVHeads = m.PerLayer("attention.head_count_kv", c.Layers, maxHeads, c.Heads)
	for i := range c.Heads {
		h, kv := c.Heads[i], c.KVHeads[i]
		switch {
		case m.Err() != nil:
			return
		case h == 0:
			m.Fail("attention.head_count", "is 0 for layer %d, expected at least 1", i)
		case kv == 0 || h%kv != 0:
			m.Fail("attention.head_count_kv", "is %d for layer %d, expected a divisor of the %d heads", kv, i, h)
		}
	}
	def := 0
	if len(c.Heads) > 0 && c.Heads[0] > 0 {
		def = c.Embd / c.Heads[0]
	}
	c.KeyDim = m.IntOr("attention.key_length", def, maxDim)
	c.ValueDim = m.IntOr("attention.value_length", def, maxDim)
	if m.Err() != nil {
		return
	}
	if c.KeyDim == 0 || c.ValueDim == 0 {
		m.Fail("attention.key_length", "comes to %d and the value length to %d, expected at least 1", c.KeyDim, c.ValueDim)
	}
}

func readRope(c *Config, m *Meta) {
	r := &c.Rope
	r.Dims = m.IntOr("rope.dimension_count", c.KeyDim, maxDim)
	r.Base = m.FloatOr("rope.freq_base", 10000)
	r.Factor = m.FloatOr("rope.scaling.factor", m.FloatOr("rope.scale_linear", 0))
	if r.Factor == 0 {
		r.Factor = 1
	}
	r.Scaling = m.StringOr("rope.scaling.type", "linear")
	r.OrigContext = m.IntOr("rope.scaling.original_context_length", c.Context, maxCount)
	r.AttnFactor = m.FloatOr("rope.scaling.attn_factor", 1)
	r.YarnAttn = m.FloatOr("rope.scaling.yarn_attn_factor", 0)
	r.LogMultiplier = m.FloatOr("rope.scaling.yarn_log_multiplier", 0)
	r.BetaFast = m.FloatOr("rope.scaling.yarn_beta_fast", 32)
	r.BetaSlow = m.FloatOr("rope.scaling.yarn_beta_slow", 1)
	r.ExtFactor = m.FloatOr("rope.scaling.yarn_ext_factor", -1)
	switch r.Scaling {
	case "none":
		r.Factor = 1
	case "linear", "yarn":
	default:
		m.Fail("rope.scaling.type", "is %q, expected none, linear or yarn", r.Scaling)
	}
	if r.ExtFactor < 0 {
		r.ExtFactor = 0
		if r.Scaling == "yarn" {
			r.ExtFactor = 1
		}
	}
	checkRope(c, m)
}

func checkRope(c *Config, m *Meta) {
	r := &c.Rope
	if m.Err() != nil {
		return
	}
	switch {
	case r.Dims%2 != 0 || r.Dims > c.KeyDim:
		m.Fail("rope.dimension_count", "is %d, expected an even number up to the head size %d", r.Dims, c.KeyDim)
	case !(r.Base > 1):
		m.Fail("rope.freq_base", "is %v, expected more than 1", r.Base)
	case !(r.Factor > 0):
		m.Fail("rope.scaling.factor", "is %v, expected more than 0", r.Factor)
	case !(r.BetaFast > 0) || !(r.BetaSlow > 0):
		m.Fail("rope.scaling.yarn_beta_fast", "and yarn_beta_slow are %v and %v, expected more than 0", r.BetaFast, r.BetaSlow)
	}
}

func readMoE(c *Config, m *Meta) {
	e := &c.MoE
	e.Experts = m.IntOr("expert_count", 0, maxHeads)
	e.Used = m.IntOr("expert_used_count", 0, maxHeads)
	e.Shared = m.IntOr("expert_shared_count", 0, maxHeads)
	e.FF = m.IntOr("expert_feed_forward_length", 0, maxFF)
	e.SharedFF = m.IntOr("expert_shared_feed_forward_length", 0, maxFF)
	e.Groups = m.IntOr("expert_group_count", 0, maxHeads)
	e.GroupsUsed = m.IntOr("expert_group_used_count", 0, maxHeads)
	e.LeadingDense = m.IntOr("leading_dense_block_count", 0, maxLayers)
	e.Gating = Gating(m.IntOr("expert_gating_func", 0, math.MaxInt32))
	e.Norm = m.BoolOr("expert_weights_norm", false)
	e.Scale = float32(m.FloatOr("expert_weights_scale", 0))
	if e.Scale == 0 {
		e.Scale = 1
	}
	checkMoE(e, m)
}

func checkMoE(e *MoE, m *Meta) {
	if m.Err() != nil || e.Experts == 0 {
		return
	}
	if e.Used == 0 || e.Used > e.Experts {
		m.Fail("expert_used_count", "is %d, expected 1 to the %d experts", e.Used, e.Experts)
	}
	if e.Gating < 0 || e.Gating > GatingSqrtSoftplus {
		m.Fail("expert_gating_func", "is %d, expected 1 (softmax), 2 (sigmoid), 3 (softmax of the chosen) or 4 (square root of softplus)", e.Gating)
	}
	if e.Groups <= 1 {
		return
	}
	if e.Experts%e.Groups != 0 {
		m.Fail("expert_group_count", "is %d, expected a divisor of the %d experts", e.Groups, e.Experts)
		return
	}
	if size := e.Experts / e.Groups; e.GroupsUsed < 1 || e.GroupsUsed > e.Groups || e.Used > e.GroupsUsed*size {
		m.Fail("expert_group_used_count", "is %d, expected enough of the %d groups of %d for %d experts", e.GroupsUsed, e.Groups, size, e.Used)
	}
}
