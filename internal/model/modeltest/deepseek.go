package modeltest

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/machine/mem"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// A DeepSeek describes a tiny random model of one of DeepSeek's architectures
// with latent or compressed attention. It has three layers (deepseek4: also two
// more), heads of 32 and a vocabulary of 96.
type DeepSeek struct {
	Arch   string // deepseek2, deepseek32, deepseek4 or deepseek41
	Legacy bool   // attn_kv_b instead of attn_k_b and attn_v_b
	Lite   bool   // no query latent
	Heads  int    // of latent attention, 0 for 4
	// Keys replaces metadata keys (without the architecture's prefix); nil leaves
	// a key out. Drop names tensors to leave out.
	Keys map[string]any
	Drop string
	Seed uint64
}

// DeepSeekVocab is the vocabulary of these models.
const DeepSeekVocab = 96

const (
	dsEmbd, dsHeads, dsNope, dsRope, dsValue = 64, 4, 32, 16, 48
	dsQLora, dsKVLora, dsFF                  = 48, 64, 32
	dsExperts, dsUsed                        = 8, 2
	// Wide enough for several blocks of columns, the last of them short.
	dsWide = 160

	dsDim, dsKeys, dsGroups, dsOLora = 32, 32, 2, 16
)

type dsBuilder struct {
	t    testing.TB
	s    DeepSeek
	embd int
	w    *gguf.Writer
	rng  *rand.Rand
	keys map[string]any
}

// OpenDeepSeek builds a model and opens it. The same description gives the same
// bytes.
func OpenDeepSeek(t testing.TB, s DeepSeek) *gguf.File {
	t.Helper()
	b := &dsBuilder{t: t, s: s, w: gguf.NewWriter(), rng: rand.New(rand.NewPCG(s.Seed, 7)), keys: map[string]any{}, embd: dsEmbd}
	if strings.HasPrefix(s.Arch, "deepseek4") {
		b.embd = dsWide
	}
	b.common()
	if strings.HasPrefix(s.Arch, "deepseek4") {
		b.compressed()
	} else {
		b.latent()
	}
	maps.Copy(b.keys, s.Keys)
	b.w.Set("general.architecture", s.Arch)
	for _, k := range slices.Sorted(maps.Keys(b.keys)) {
		if v := b.keys[k]; v != nil {
			b.w.Set(s.Arch+"."+k, v)
		}
	}
	data, err := b.w.Bytes()
	if err != nil {
		t.Fatalf("modeltest: %v", err)
	}
	f, err := gguf.OpenBytes("random "+s.Arch, data)
	if err != nil {
		t.Fatalf("modeltest: %v", err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (b *dsBuilder) set(pairs ...any) {
	for i := 0; i < len(pairs); i += 2 {
		v := pairs[i+1]
		switch n := v.(type) {
		case int:
			v = uint32(n)
		case float64:
			v = float32(n)
		}
		b.keys[pairs[i].(string)] = v
	}
}

// tensor adds random float32 values: a matrix keeps the size of what it
// multiplies, a norm (a vector whose name has it) lies around 1.
func (b *dsBuilder) tensor(name string, dims ...int) {
	if name == b.s.Drop {
		return
	}
	n, shape := 1, make([]uint64, len(dims))
	for i, d := range dims {
		n *= d
		shape[i] = uint64(d)
	}
	data := make([]byte, 4*n)
	x := mem.Float32s(data)
	spread, mean := 0.2, 0.0
	if len(dims) > 1 {
		spread = 1.2 / math.Sqrt(float64(dims[0]))
	} else if strings.Contains(name, "norm.weight") {
		mean = 1
	}
	for i := range x {
		x[i] = float32(mean + spread*b.rng.NormFloat64())
	}
	b.w.Add(name, quant.F32, shape, data)
}

func (b *dsBuilder) heads() int {
	if b.s.Heads > 0 {
		return b.s.Heads
	}
	return dsHeads
}

func (b *dsBuilder) common() {
	b.set("context_length", 4096, "embedding_length", b.embd, "vocab_size", DeepSeekVocab,
		"attention.head_count", b.heads(), "attention.layer_norm_rms_epsilon", 1e-6, "rope.freq_base", 10000.0,
		"expert_count", dsExperts, "expert_used_count", dsUsed, "expert_shared_count", 1,
		"expert_feed_forward_length", dsFF, "expert_weights_scale", 1.5, "expert_weights_norm", true)
	b.tensor("token_embd.weight", b.embd, DeepSeekVocab)
	b.tensor("output_norm.weight", b.embd)
	b.tensor("output.weight", b.embd, DeepSeekVocab)
}

func (b *dsBuilder) experts(p string) {
	b.tensor(p+"ffn_norm.weight", b.embd)
	b.tensor(p+"ffn_gate_inp.weight", b.embd, dsExperts)
	b.tensor(p+"exp_probs_b.bias", dsExperts)
	for _, n := range []string{"gate", "up"} {
		b.tensor(p+"ffn_"+n+"_exps.weight", b.embd, dsFF, dsExperts)
		b.tensor(p+"ffn_"+n+"_shexp.weight", b.embd, dsFF)
	}
	b.tensor(p+"ffn_down_exps.weight", dsFF, b.embd, dsExperts)
	b.tensor(p+"ffn_down_shexp.weight", dsFF, b.embd)
}

func (b *dsBuilder) latent() {
	b.set("block_count", 3, "feed_forward_length", 96, "leading_dense_block_count", 1,
		"attention.kv_lora_rank", dsKVLora, "rope.dimension_count", dsRope,
		"attention.key_length", dsNope+dsRope, "attention.value_length", dsValue,
		"expert_group_count", 4, "expert_group_used_count", 2, "expert_gating_func", 2)
	if !b.s.Legacy {
		b.set("attention.head_count_kv", 1, "attention.key_length", dsKVLora+dsRope, "attention.value_length", dsKVLora,
			"attention.key_length_mla", dsNope+dsRope, "attention.value_length_mla", dsValue)
	}
	if !b.s.Lite {
		b.set("attention.q_lora_rank", dsQLora)
	}
	if b.s.Arch == "deepseek32" {
		b.set("attention.indexer.head_count", 4, "attention.indexer.key_length", dsKeys, "attention.indexer.top_k", 20)
	}
	for i := range 3 {
		p := fmt.Sprintf("blk.%d.", i)
		b.latentAttention(p)
		if i > 0 {
			b.experts(p)
			continue
		}
		b.tensor(p+"ffn_norm.weight", b.embd)
		b.tensor(p+"ffn_gate.weight", b.embd, 96)
		b.tensor(p+"ffn_up.weight", b.embd, 96)
		b.tensor(p+"ffn_down.weight", 96, b.embd)
	}
}

func (b *dsBuilder) latentAttention(p string) {
	b.tensor(p+"attn_norm.weight", b.embd)
	q, cols := b.heads()*(dsNope+dsRope), b.embd
	if b.s.Lite {
		b.tensor(p+"attn_q.weight", cols, q)
	} else {
		b.tensor(p+"attn_q_a.weight", b.embd, dsQLora)
		b.tensor(p+"attn_q_a_norm.weight", dsQLora)
		b.tensor(p+"attn_q_b.weight", dsQLora, q)
	}
	b.tensor(p+"attn_kv_a_mqa.weight", b.embd, dsKVLora+dsRope)
	b.tensor(p+"attn_kv_a_norm.weight", dsKVLora)
	if b.s.Legacy {
		b.tensor(p+"attn_kv_b.weight", dsKVLora, b.heads()*(dsNope+dsValue))
	} else {
		b.tensor(p+"attn_k_b.weight", dsNope, dsKVLora, b.heads())
		b.tensor(p+"attn_v_b.weight", dsKVLora, dsValue, b.heads())
	}
	b.tensor(p+"attn_output.weight", b.heads()*dsValue, b.embd)
	if b.s.Arch == "deepseek32" {
		b.tensor(p+"indexer.attn_q_b.weight", dsQLora, 4*dsKeys)
		b.tensor(p+"indexer.attn_k.weight", b.embd, dsKeys)
		b.tensor(p+"indexer.k_norm.weight", dsKeys)
		b.tensor(p+"indexer.k_norm.bias", dsKeys)
		b.tensor(p+"indexer.proj.weight", b.embd, 4)
	}
}

// compressed writes deepseek4 (ratios 0, 4, 6, 4) or deepseek41 (0, 2, 1, 1).
func (b *dsBuilder) compressed() {
	ratios := []int32{0, 4, 6, 4}
	v41 := b.s.Arch == "deepseek41"
	if v41 {
		ratios = []int32{0, 2, 1, 1}
	}
	b.set("block_count", len(ratios), "attention.head_count_kv", 1, "attention.key_length", dsDim, "attention.value_length", dsDim,
		"attention.q_lora_rank", dsQLora, "attention.sliding_window", 8, "attention.output_group_count", dsGroups,
		"attention.output_lora_rank", dsOLora, "attention.compress_ratios", ratios, "attention.compress_rope_freq_base", 160000.0,
		"attention.indexer.head_count", 4, "attention.indexer.key_length", dsKeys, "attention.indexer.top_k", 6,
		"rope.dimension_count", dsRope, "rope.scaling.type", "yarn", "rope.scaling.factor", 16.0,
		"rope.scaling.original_context_length", 64, "expert_gating_func", 4, "swiglu_clamp_exp", 2.0,
		"hyper_connection.count", 4, "hyper_connection.sinkhorn_iterations", 20, "hyper_connection.epsilon", 1e-6)
	if !v41 {
		b.tensor("output_hc_fn.weight", 4*b.embd, 4)
		b.tensor("output_hc_base.weight", 4)
		b.tensor("output_hc_scale.weight", 1)
	} else {
		b.engram()
	}
	for i, ratio := range ratios {
		p := fmt.Sprintf("blk.%d.", i)
		b.compressedAttention(p, int(ratio), v41, i < 3)
		b.experts(p)
		for _, m := range []string{"hc_attn_", "hc_ffn_"} {
			b.tensor(p+m+"fn.weight", 4*b.embd, 24)
			b.tensor(p+m+"base.weight", 24)
			b.tensor(p+m+"scale.weight", 3)
		}
	}
}

func (b *dsBuilder) compressedAttention(p string, ratio int, v41, source bool) {
	b.tensor(p+"attn_norm.weight", b.embd)
	b.tensor(p+"attn_q_a.weight", b.embd, dsQLora)
	b.tensor(p+"attn_q_a_norm.weight", dsQLora)
	b.tensor(p+"attn_q_b.weight", dsQLora, dsHeads*dsDim)
	b.tensor(p+"attn_kv.weight", b.embd, dsDim)
	b.tensor(p+"attn_kv_a_norm.weight", dsDim)
	b.tensor(p+"attn_sinks.weight", dsHeads)
	b.tensor(p+"attn_output_a.weight", dsHeads/dsGroups*dsDim, dsGroups*dsOLora)
	b.tensor(p+"attn_output_b.weight", dsGroups*dsOLora, b.embd)
	if ratio == 0 {
		return
	}
	width := dsDim
	if ratio == 4 {
		width *= 2
	}
	if !v41 || source {
		b.tensor(p+"attn_compressor_kv.weight", b.embd, width)
		if ratio > 1 {
			b.tensor(p+"attn_compressor_gate.weight", b.embd, width)
		}
		b.tensor(p+"attn_compressor_norm.weight", dsDim)
	}
	switch {
	case v41 && source:
		b.tensor(p+"indexer.attn_k.weight", dsDim, dsKeys)
		b.tensor(p+"indexer.k_norm.weight", dsKeys)
	case !v41:
		b.tensor(p+"attn_compressor_ape.weight", width, ratio)
	}
	if v41 || ratio == 4 {
		b.tensor(p+"indexer.attn_q_b.weight", dsQLora, 4*dsKeys)
		b.tensor(p+"indexer.proj.weight", b.embd, 4)
	}
	if !v41 && ratio == 4 {
		b.tensor(p+"indexer_compressor_kv.weight", b.embd, 2*dsKeys)
		b.tensor(p+"indexer_compressor_gate.weight", b.embd, 2*dsKeys)
		b.tensor(p+"indexer_compressor_ape.weight", 2*dsKeys, ratio)
		b.tensor(p+"indexer_compressor_norm.weight", dsKeys)
	}
}

// engram gives layer 1 an n-gram table of 2 hashes for orders 2 and 3.
func (b *dsBuilder) engram() {
	classes := make([]int32, DeepSeekVocab)
	for i := range classes {
		classes[i] = int32(i * 3 % 70)
	}
	b.set("attention.candidate_topk_blocks", 4, "attention.candidate_block_size", 3,
		"engram.layer_ids", []int32{1}, "engram.head_count", 2, "engram.key_length", 16, "engram.max_ngram_size", 3,
		"engram.pad_id", 2, "engram.multipliers", []uint64{1234567891, 987654321987, 55555555555555},
		"engram.primes", []uint64{11, 13, 17, 19}, "engram.offsets", []uint64{0, 11, 24, 41}, "engram.token_map", classes)
	b.tensor("blk.1.engram_embd.weight", 16, 60)
	b.tensor("blk.1.engram_wkv.weight", 64, 5*b.embd)
	b.tensor("blk.1.engram_q.weight", b.embd, 4)
	b.tensor("blk.1.engram_k.weight", b.embd, 4)
}
