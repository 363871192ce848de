package cli

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

func (x *mixtureShape) keys(k *keyWriter) {
	if x.experts == 0 {
		return
	}
	k.count("leading_dense_block_count", x.dense)
	k.count("expert_count", x.experts)
	k.count("expert_used_count", x.used)
	k.count("expert_shared_count", x.shared)
	k.count("expert_feed_forward_length", x.ff)
	k.count("expert_gating_func", x.gating)
	k.set("expert_weights_scale", x.scale)
	k.set("expert_weights_norm", x.norm)
	if x.groups > 0 {
		k.count("expert_group_count", x.groups)
		k.count("expert_group_used_count", x.groupsUsed)
	}
	if x.hash > 0 {
		k.count("hash_layer_count", x.hash)
	}
}

func (x *indexShape) keys(k *keyWriter) {
	if x.heads == 0 {
		return
	}
	k.count("attention.indexer.head_count", x.heads)
	k.count("attention.indexer.key_length", x.dim)
	k.count("attention.indexer.top_k", x.topK)
}

func (x *latentShape) keys(k *keyWriter) {
	k.count("rope.dimension_count", x.rope)
	k.count("attention.kv_lora_rank", x.lora)
	k.count("attention.key_length", x.lora+x.rope)
	k.count("attention.value_length", x.lora)
	k.count("attention.key_length_mla", x.nope+x.rope)
	k.count("attention.value_length_mla", x.value)
	if x.qLora > 0 {
		k.count("attention.q_lora_rank", x.qLora)
	}
}

func (x *compressedShape) keys(k *keyWriter) {
	k.count("rope.dimension_count", x.rope)
	k.count("attention.key_length", x.dim)
	k.count("attention.value_length", x.dim)
	k.count("attention.q_lora_rank", x.qLora)
	k.count("attention.sliding_window", x.window)
	k.count("attention.output_group_count", x.groups)
	k.count("attention.output_lora_rank", x.oLora)
	k.set("attention.compress_ratios", x.ratios)
	k.number("attention.compress_rope_freq_base", 160000)
	k.set("rope.scaling.type", "yarn")
	k.number("rope.scaling.factor", 16)
	k.count("rope.scaling.original_context_length", 65536)
	k.number("swiglu_clamp_exp", 10)
	k.count("hyper_connection.count", x.streams)
	k.count("hyper_connection.sinkhorn_iterations", 20)
	k.number("hyper_connection.epsilon", 1e-6)
}

// latent is the attention of DeepSeek-V2 and later, with keys and values in one
// latent row.
func (s *shape) latent(b *synth, p string) {
	a, q := &s.mla, s.heads*(s.mla.nope+s.mla.rope)
	if a.qLora > 0 {
		b.matrix(p+"attn_q_a.weight", s.embd, a.qLora, 1, b.mix.most)
		b.vector(p+"attn_q_a_norm.weight", a.qLora, true)
		b.matrix(p+"attn_q_b.weight", a.qLora, q, 1, b.mix.most)
	} else {
		b.matrix(p+"attn_q.weight", s.embd, q, 1, quant.Q8_0)
	}
	b.vector(p+"attn_kv_a_norm.weight", a.lora, true)
	b.matrix(p+"attn_kv_a_mqa.weight", s.embd, a.lora+a.rope, 1, quant.Q8_0)
	b.matrix(p+"attn_k_b.weight", a.nope, a.lora, s.heads, quant.Q8_0)
	b.matrix(p+"attn_v_b.weight", a.lora, a.value, s.heads, quant.Q8_0)
	out := quant.Q8_0
	if a.qLora > 0 {
		out = b.mix.most
	}
	b.matrix(p+"attn_output.weight", s.heads*a.value, s.embd, 1, out)
	if x := &s.index; x.heads > 0 {
		b.matrix(p+"indexer.attn_q_b.weight", a.qLora, x.heads*x.dim, 1, quant.Q8_0)
		b.matrix(p+"indexer.attn_k.weight", s.embd, x.dim, 1, quant.Q8_0)
		b.vector(p+"indexer.k_norm.weight", x.dim, true)
		b.vector(p+"indexer.k_norm.bias", x.dim, false)
		b.float(p+"indexer.proj.weight", s.embd, x.heads)
	}
}

// compressed is the attention of DeepSeek-V4, and the hyper-connections around
// it and around the feed-forward.
func (s *shape) compressed(b *synth, p string, layer int) {
	a, ratio := &s.csa, int(s.csa.ratios[layer])
	s.hyper(b, p+"hc_attn_", a.streams*(2+a.streams), 3)
	s.hyper(b, p+"hc_ffn_", a.streams*(2+a.streams), 3)
	b.matrix(p+"attn_q_a.weight", s.embd, a.qLora, 1, quant.Q8_0)
	b.vector(p+"attn_q_a_norm.weight", a.qLora, true)
	b.matrix(p+"attn_q_b.weight", a.qLora, s.heads*a.dim, 1, quant.Q8_0)
	b.matrix(p+"attn_kv.weight", s.embd, a.dim, 1, quant.Q8_0)
	b.vector(p+"attn_kv_a_norm.weight", a.dim, true)
	b.vector(p+"attn_sinks.weight", s.heads, false)
	b.matrix(p+"attn_output_a.weight", s.heads/a.groups*a.dim, a.oLora*a.groups, 1, quant.Q8_0)
	b.matrix(p+"attn_output_b.weight", a.groups*a.oLora, s.embd, 1, quant.Q8_0)
	if ratio == 0 {
		return
	}
	width := a.dim
	if ratio == overlapping {
		width *= 2
	}
	s.compressor(b, p+"attn_compressor_", width, a.dim, ratio)
	if ratio == overlapping {
		x := &s.index
		s.compressor(b, p+"indexer_compressor_", 2*x.dim, x.dim, ratio)
		b.matrix(p+"indexer.attn_q_b.weight", a.qLora, x.heads*x.dim, 1, quant.F16)
		b.matrix(p+"indexer.proj.weight", s.embd, x.heads, 1, quant.F16)
	}
}

// overlapping is the ratio whose compressor also takes the block before, and
// whose rows an indexer picks from.
const overlapping = 4

func (s *shape) compressor(b *synth, p string, width, dim, ratio int) {
	b.matrix(p+"kv.weight", s.embd, width, 1, quant.F16)
	b.matrix(p+"gate.weight", s.embd, width, 1, quant.F16)
	b.float(p+"ape.weight", width, ratio)
	b.vector(p+"norm.weight", dim, true)
}

func (s *shape) hyper(b *synth, p string, width, scales int) {
	b.matrix(p+"fn.weight", s.csa.streams*s.embd, width, 1, quant.F16)
	b.vector(p+"base.weight", width, false)
	b.vector(p+"scale.weight", scales, true)
}

func (s *shape) feedForward(b *synth, p string, layer int) {
	more, x := b.mix.most, &s.moe
	if layer%2 == 1 {
		more = b.mix.more
	}
	if x.experts == 0 || layer < x.dense {
		b.matrix(p+"ffn_gate.weight", s.embd, s.ff, 1, b.mix.most)
		b.matrix(p+"ffn_up.weight", s.embd, s.ff, 1, b.mix.most)
		b.matrix(p+"ffn_down.weight", s.ff, s.embd, 1, more)
		return
	}
	moreExperts := b.experts.most
	if layer%2 == 1 {
		moreExperts = b.experts.more
	}
	b.float(p+"ffn_gate_inp.weight", s.embd, x.experts)
	if layer < x.hash {
		b.choices(p+"ffn_gate_tid2eid.weight", x.experts, x.used, s.vocab)
	}
	b.matrix(p+"ffn_gate_exps.weight", s.embd, x.ff, x.experts, b.experts.most)
	b.matrix(p+"ffn_up_exps.weight", s.embd, x.ff, x.experts, b.experts.most)
	b.matrix(p+"ffn_down_exps.weight", x.ff, s.embd, x.experts, moreExperts)
	b.matrix(p+"ffn_gate_shexp.weight", s.embd, x.shared*x.ff, 1, b.mix.most)
	b.matrix(p+"ffn_up_shexp.weight", s.embd, x.shared*x.ff, 1, b.mix.most)
	b.matrix(p+"ffn_down_shexp.weight", x.shared*x.ff, s.embd, 1, more)
}

// choices adds a table of the experts of each token.
func (b *synth) choices(name string, experts, used, vocab int) {
	r := rand.New(rand.NewPCG(2, uint64(experts)))
	data := make([]byte, 0, 4*used*vocab)
	for range vocab {
		for _, e := range r.Perm(experts)[:used] {
			data = binary.LittleEndian.AppendUint32(data, uint32(e))
		}
	}
	b.w.Add(name, quant.I32, []uint64{uint64(used), uint64(vocab)}, data)
}
