package cli

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/tensor/num"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// A shape is the sizes of a known model. Speed depends on these alone, so random
// weights measure what the real ones would, before anything is downloaded.
type shape struct {
	name, full, arch             string
	layers, embd, heads, kv, ff  int
	vocab                        int
	bias                         bool
	experts, used, shared, expFF int // of a mixture of experts
	lora, rope, nope, value      int // of latent attention
}

// shapes lists the known models.
var shapes = []shape{
	{name: "r1-1.5b", full: "DeepSeek-R1-Distill-Qwen-1.5B", arch: "qwen2", layers: 28, embd: 1536, heads: 12, kv: 2, ff: 8960, vocab: 151936, bias: true},
	{name: "r1-7b", full: "DeepSeek-R1-Distill-Qwen-7B", arch: "qwen2", layers: 28, embd: 3584, heads: 28, kv: 4, ff: 18944, vocab: 152064, bias: true},
	{name: "llama-8b", full: "DeepSeek-R1-Distill-Llama-8B", arch: "llama", layers: 32, embd: 4096, heads: 32, kv: 8, ff: 14336, vocab: 128256},
	{name: "r1-14b", full: "DeepSeek-R1-Distill-Qwen-14B", arch: "qwen2", layers: 48, embd: 5120, heads: 40, kv: 8, ff: 13824, vocab: 152064, bias: true},
	{
		name: "v2-lite", full: "DeepSeek-V2-Lite", arch: "deepseek2", layers: 27, embd: 2048, heads: 16, kv: 1, ff: 10944, vocab: 102400,
		experts: 64, used: 6, shared: 2, expFF: 1408, lora: 512, rope: 64, nope: 128, value: 128,
	},
}

// shapeNames returns the names of the shapes that this program can run.
func shapeNames() []string {
	var out []string
	for _, s := range shapes {
		if model.Supported(s.arch) {
			out = append(out, s.name)
		}
	}
	return out
}

// shapeOf finds a shape by its name.
func shapeOf(name string) (*shape, error) {
	i := slices.IndexFunc(shapes, func(s shape) bool { return s.name == name })
	if i < 0 || !model.Supported(shapes[i].arch) {
		return nil, &app.UsageError{Message: fmt.Sprintf("there is no shape %q; there are %s", name, strings.Join(shapeNames(), ", "))}
	}
	return &shapes[i], nil
}

// A mixture is the quantization types of a synthetic model: most matrices, and
// those that quantizers give more bits (down projections, values, output).
type mixture struct{ most, more quant.Type }

// mixtures are what --quant can be.
var mixtures = map[string]mixture{
	"q4_k": {quant.Q4_K, quant.Q6_K},
	"q8_0": {quant.Q8_0, quant.Q8_0},
	"q4_0": {quant.Q4_0, quant.Q4_0},
}

// A synth builds a file of random weights in memory. Tensors share one buffer of
// random blocks for each type, so that the building costs little beside the file.
type synth struct {
	w    *gguf.Writer
	mix  mixture
	pool map[quant.Type][]byte
	err  error
}

// file returns the GGUF file of a shape.
func (s *shape) file(quantName string) ([]byte, error) {
	mix, ok := mixtures[quantName]
	if !ok {
		return nil, &app.UsageError{Message: fmt.Sprintf("--quant %q: there are q4_k, q8_0, q4_0", quantName)}
	}
	b := &synth{w: gguf.NewWriter(), mix: mix, pool: map[quant.Type][]byte{}}
	s.keys(b.w)
	b.matrix("token_embd.weight", s.embd, s.vocab, 1, mix.most)
	for i := range s.layers {
		p := fmt.Sprintf("blk.%d.", i)
		b.vector(p+"attn_norm.weight", s.embd, true)
		b.vector(p+"ffn_norm.weight", s.embd, true)
		if s.lora > 0 {
			s.latent(b, p)
		} else {
			s.attention(b, p)
		}
		s.feedForward(b, p, i)
	}
	b.vector("output_norm.weight", s.embd, true)
	b.matrix("output.weight", s.embd, s.vocab, 1, mix.more)
	if b.err != nil {
		return nil, b.err
	}
	return b.w.Bytes()
}

func (s *shape) keys(w *gguf.Writer) {
	key := func(name string, v any) { w.Set(s.arch+"."+name, v) }
	count := func(name string, v int) { key(name, uint32(v)) }
	w.Set("general.architecture", s.arch)
	w.Set("general.name", s.full+" (random weights)")
	count("context_length", 131072)
	count("embedding_length", s.embd)
	count("block_count", s.layers)
	count("feed_forward_length", s.ff)
	count("attention.head_count", s.heads)
	count("attention.head_count_kv", s.kv)
	count("vocab_size", s.vocab)
	key("attention.layer_norm_rms_epsilon", float32(1e-6))
	key("rope.freq_base", float32(10000))
	if s.lora == 0 {
		count("rope.dimension_count", s.embd/s.heads)
		return
	}
	count("rope.dimension_count", s.rope)
	count("attention.kv_lora_rank", s.lora)
	count("attention.key_length", s.lora+s.rope)
	count("attention.value_length", s.lora)
	count("attention.key_length_mla", s.nope+s.rope)
	count("attention.value_length_mla", s.value)
	count("leading_dense_block_count", 1)
	count("expert_count", s.experts)
	count("expert_used_count", s.used)
	count("expert_shared_count", s.shared)
	count("expert_feed_forward_length", s.expFF)
	count("expert_gating_func", 1)
	key("expert_weights_scale", float32(1))
	key("expert_weights_norm", false)
}

func (s *shape) attention(b *synth, p string) {
	dim := s.embd / s.heads
	b.matrix(p+"attn_q.weight", s.embd, s.embd, 1, b.mix.most)
	b.matrix(p+"attn_k.weight", s.embd, s.kv*dim, 1, b.mix.most)
	b.matrix(p+"attn_v.weight", s.embd, s.kv*dim, 1, b.mix.more)
	b.matrix(p+"attn_output.weight", s.embd, s.embd, 1, b.mix.most)
	if s.bias {
		b.vector(p+"attn_q.bias", s.embd, false)
		b.vector(p+"attn_k.bias", s.kv*dim, false)
		b.vector(p+"attn_v.bias", s.kv*dim, false)
	}
}

// latent is the attention of DeepSeek-V2, with keys and values in one latent row.
func (s *shape) latent(b *synth, p string) {
	b.vector(p+"attn_kv_a_norm.weight", s.lora, true)
	b.matrix(p+"attn_q.weight", s.embd, s.heads*(s.nope+s.rope), 1, quant.Q8_0)
	b.matrix(p+"attn_kv_a_mqa.weight", s.embd, s.lora+s.rope, 1, quant.Q8_0)
	b.matrix(p+"attn_k_b.weight", s.nope, s.lora, s.heads, quant.Q8_0)
	b.matrix(p+"attn_v_b.weight", s.lora, s.value, s.heads, quant.Q8_0)
	b.matrix(p+"attn_output.weight", s.heads*s.value, s.embd, 1, quant.Q8_0)
}

func (s *shape) feedForward(b *synth, p string, layer int) {
	more := b.mix.most
	if layer%2 == 1 {
		more = b.mix.more
	}
	if s.experts == 0 || layer == 0 {
		b.matrix(p+"ffn_gate.weight", s.embd, s.ff, 1, b.mix.most)
		b.matrix(p+"ffn_up.weight", s.embd, s.ff, 1, b.mix.most)
		b.matrix(p+"ffn_down.weight", s.ff, s.embd, 1, more)
		return
	}
	b.float(p+"ffn_gate_inp.weight", s.embd, s.experts)
	b.matrix(p+"ffn_gate_exps.weight", s.embd, s.expFF, s.experts, b.mix.most)
	b.matrix(p+"ffn_up_exps.weight", s.embd, s.expFF, s.experts, b.mix.most)
	b.matrix(p+"ffn_down_exps.weight", s.expFF, s.embd, s.experts, more)
	b.matrix(p+"ffn_gate_shexp.weight", s.embd, s.shared*s.expFF, 1, b.mix.most)
	b.matrix(p+"ffn_up_shexp.weight", s.embd, s.shared*s.expFF, 1, b.mix.most)
	b.matrix(p+"ffn_down_shexp.weight", s.shared*s.expFF, s.embd, 1, more)
}

// matrix adds n matrices of rows x cols. Rows that do not divide into blocks of
// the type get Q8_0, as quantizers do.
func (b *synth) matrix(name string, cols, rows, n int, t quant.Type) {
	if cols%t.BlockElems() != 0 {
		t = quant.Q8_0
	}
	row, err := t.RowBytes(cols)
	if err != nil {
		b.err = err
		return
	}
	dims := []uint64{uint64(cols), uint64(rows)}
	if n > 1 {
		dims = append(dims, uint64(n))
	}
	b.w.Add(name, t, dims, b.random(t, row*rows*n))
}

// random returns size bytes of blocks of type t: random codes and scales that
// give weights of about 0.02, as real ones have.
func (b *synth) random(t quant.Type, size int) []byte {
	if have := b.pool[t]; len(have) >= size {
		return have[:size]
	}
	block := t.BlockBytes()
	const distinct = 1 << 12 // blocks that differ; they are repeated
	unit := make([]byte, min(distinct*block, size))
	r := rand.NewChaCha8([32]byte{byte(t)})
	_, _ = r.Read(unit) // never fails
	for i := 0; i+block <= len(unit); i += block {
		setScales(t, unit[i:i+block])
	}
	out := make([]byte, size)
	for n := copy(out, unit); n < size; {
		n += copy(out[n:], out[:n])
	}
	b.pool[t] = out
	return out
}

// setScales puts small scales into a block of random bytes.
func setScales(t quant.Type, block []byte) {
	f16 := func(at int, v float64) {
		h := num.F32ToF16(float32(v))
		block[at], block[at+1] = byte(h), byte(h>>8)
	}
	const std = 0.02
	switch t {
	case quant.Q4_K: // d, dmin, scales, codes: value = d*scale*code - dmin*min
		f16(0, std/32/4.6)
		f16(2, std/32/4.6*7.5)
	case quant.Q6_K: // codes, scales, d
		f16(208, std/74/18.5)
	case quant.Q8_0:
		f16(0, std/74)
	case quant.Q4_0:
		f16(0, std/4.6)
	default:
		panic("cli: no scales for type " + t.String())
	}
}

// vector adds a float32 vector of ones or zeros.
func (b *synth) vector(name string, n int, one bool) {
	data := make([]byte, 4*n)
	if one {
		putFloats(data, func(int) float32 { return 1 })
	}
	b.w.Add(name, quant.F32, []uint64{uint64(n)}, data)
}

// float adds a random float32 matrix.
func (b *synth) float(name string, cols, rows int) {
	r := rand.New(rand.NewPCG(1, uint64(cols)))
	data := make([]byte, 4*cols*rows)
	scale := 1 / math.Sqrt(float64(cols))
	putFloats(data, func(int) float32 { return float32(r.NormFloat64() * scale) })
	b.w.Add(name, quant.F32, []uint64{uint64(cols), uint64(rows)}, data)
}

func putFloats(data []byte, f func(i int) float32) {
	for i := 0; i+4 <= len(data); i += 4 {
		v := math.Float32bits(f(i / 4))
		data[i], data[i+1], data[i+2], data[i+3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
	}
}
