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
	name, full, arch            string
	layers, embd, heads, kv, ff int
	vocab                       int
	bias                        bool
	moe                         mixtureShape
	mla                         latentShape
	csa                         compressedShape
	index                       indexShape
}

// A mixtureShape is the sizes of a mixture of experts.
type mixtureShape struct {
	experts, used, shared, ff int
	dense                     int // first layers that have none
	groups, groupsUsed        int
	gating                    int // expert_gating_func
	scale                     float32
	norm                      bool
	hash                      int // first layers that choose by the token
}

// A latentShape is the sizes of latent attention (deepseek2, deepseek32).
type latentShape struct{ qLora, lora, rope, nope, value int }

// A compressedShape is the sizes of compressed attention and of
// hyper-connections (deepseek4).
type compressedShape struct {
	dim, rope, qLora, groups, oLora, window int
	ratios                                  []int32
	streams                                 int
}

// An indexShape is the sizes of a lightning indexer.
type indexShape struct{ heads, dim, topK int }

// sliceVocab is the vocabulary of slices: with the real one, output would be most
// of what a few layers read.
const sliceVocab = 16384

// v3 is the attention of DeepSeek-V3.
var v3 = latentShape{qLora: 1536, lora: 512, rope: 64, nope: 128, value: 128}

// v3Experts is V3's mixture with a quarter of the experts, of which a token uses as many.
var v3Experts = mixtureShape{experts: 64, used: 8, shared: 1, ff: 2048, dense: 1, groups: 8, groupsUsed: 4, gating: 2, scale: 2.5, norm: true}

// shapes lists the known models. A slice has a large model's widths, and so few
// layers and experts that it fits into a small machine.
var shapes = []shape{
	{name: "r1-1.5b", full: "DeepSeek-R1-Distill-Qwen-1.5B", arch: "qwen2", layers: 28, embd: 1536, heads: 12, kv: 2, ff: 8960, vocab: 151936, bias: true},
	{name: "r1-7b", full: "DeepSeek-R1-Distill-Qwen-7B", arch: "qwen2", layers: 28, embd: 3584, heads: 28, kv: 4, ff: 18944, vocab: 152064, bias: true},
	{name: "llama-8b", full: "DeepSeek-R1-Distill-Llama-8B", arch: "llama", layers: 32, embd: 4096, heads: 32, kv: 8, ff: 14336, vocab: 128256},
	{name: "r1-14b", full: "DeepSeek-R1-Distill-Qwen-14B", arch: "qwen2", layers: 48, embd: 5120, heads: 40, kv: 8, ff: 13824, vocab: 152064, bias: true},
	{
		name: "v2-lite", full: "DeepSeek-V2-Lite", arch: "deepseek2", layers: 27, embd: 2048, heads: 16, kv: 1, ff: 10944, vocab: 102400,
		moe: mixtureShape{experts: 64, used: 6, shared: 2, ff: 1408, dense: 1, gating: 1, scale: 1},
		mla: latentShape{lora: 512, rope: 64, nope: 128, value: 128},
	},
	{
		name: "v3-slice", full: "a slice of DeepSeek-V3", arch: "deepseek2", layers: 4, embd: 7168, heads: 128, kv: 1, ff: 18432, vocab: sliceVocab,
		moe: v3Experts, mla: v3,
	},
	{
		name: "v32-slice", full: "a slice of DeepSeek-V3.2", arch: "deepseek32", layers: 4, embd: 7168, heads: 128, kv: 1, ff: 18432, vocab: sliceVocab,
		moe: v3Experts, mla: v3, index: indexShape{heads: 64, dim: 128, topK: 2048},
	},
	{
		name: "v4-slice", full: "a slice of DeepSeek-V4-Flash", arch: "deepseek4", layers: 6, embd: 4096, heads: 64, kv: 1, vocab: sliceVocab,
		moe:   mixtureShape{experts: 64, used: 6, shared: 1, ff: 2048, gating: 4, scale: 1.5, norm: true, hash: 3},
		csa:   compressedShape{dim: 512, rope: 64, qLora: 1024, groups: 8, oLora: 1024, window: 128, ratios: []int32{0, 0, 4, 128, 4, 128}, streams: 4},
		index: indexShape{heads: 64, dim: 128, topK: 512},
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
	"q4_k":  {quant.Q4_K, quant.Q6_K},
	"q8_0":  {quant.Q8_0, quant.Q8_0},
	"q4_0":  {quant.Q4_0, quant.Q4_0},
	"mxfp4": {quant.MXFP4, quant.MXFP4}, // experts; the rest is Q8_0
}

// quantNames lists the mixtures, the default first.
var quantNames = []string{"q4_k", "q8_0", "q4_0", "mxfp4"}

// usual returns the quantization that a shape's model is published in.
func (s *shape) usual() string {
	if s.csa.dim > 0 {
		return "mxfp4"
	}
	return "q4_k"
}

// A synth builds a file of random weights in memory. Tensors share one buffer of
// random blocks for each type, so that the building costs little beside the file.
type synth struct {
	w   *gguf.Writer
	mix mixture // of dense matrices
	// experts is the mixture of the routed experts.
	experts mixture
	pool    map[quant.Type][]byte
	err     error
}

// writer returns the GGUF file of a shape, ready to be written.
func (s *shape) writer(quantName string) (*gguf.Writer, error) {
	mix, ok := mixtures[quantName]
	if !ok {
		return nil, &app.UsageError{Message: fmt.Sprintf("--quant %q: there are %s", quantName, strings.Join(quantNames, ", "))}
	}
	b := &synth{w: gguf.NewWriter(), mix: mix, experts: mix, pool: map[quant.Type][]byte{}}
	if mix.most == quant.MXFP4 {
		b.mix = mixtures["q8_0"]
	}
	s.keys(b.w)
	b.matrix("token_embd.weight", s.embd, s.vocab, 1, b.mix.most)
	for i := range s.layers {
		s.layer(b, fmt.Sprintf("blk.%d.", i), i)
	}
	if s.csa.dim > 0 {
		s.hyper(b, "output_hc_", s.csa.streams, 1)
	}
	b.vector("output_norm.weight", s.embd, true)
	b.matrix("output.weight", s.embd, s.vocab, 1, b.mix.more)
	return b.w, b.err
}

func (s *shape) layer(b *synth, p string, i int) {
	b.vector(p+"attn_norm.weight", s.embd, true)
	b.vector(p+"ffn_norm.weight", s.embd, true)
	switch {
	case s.csa.dim > 0:
		s.compressed(b, p, i)
	case s.mla.lora > 0:
		s.latent(b, p)
	default:
		s.attention(b, p)
	}
	s.feedForward(b, p, i)
}

func (s *shape) keys(w *gguf.Writer) {
	k := &keyWriter{w, s.arch + "."}
	w.Set("general.architecture", s.arch)
	w.Set("general.name", s.full+" (random weights)")
	k.count("context_length", 131072)
	k.count("embedding_length", s.embd)
	k.count("block_count", s.layers)
	k.count("attention.head_count", s.heads)
	k.count("attention.head_count_kv", s.kv)
	k.count("vocab_size", s.vocab)
	k.set("attention.layer_norm_rms_epsilon", float32(1e-6))
	k.set("rope.freq_base", float32(10000))
	if s.ff > 0 {
		k.count("feed_forward_length", s.ff)
	}
	s.moe.keys(k)
	s.index.keys(k)
	switch {
	case s.csa.dim > 0:
		s.csa.keys(k)
	case s.mla.lora > 0:
		s.mla.keys(k)
	default:
		k.count("rope.dimension_count", s.embd/s.heads)
	}
}

// A keyWriter adds keys of one architecture.
type keyWriter struct {
	w      *gguf.Writer
	prefix string
}

func (k *keyWriter) set(name string, v any)        { k.w.Set(k.prefix+name, v) }
func (k *keyWriter) count(name string, v int)      { k.set(name, uint32(v)) }
func (k *keyWriter) number(name string, v float64) { k.set(name, float32(v)) }

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

// matrix adds n matrices of rows x cols. Rows that do not divide into blocks of
// the type get another, as quantizers do.
func (b *synth) matrix(name string, cols, rows, n int, t quant.Type) {
	if cols%t.BlockElems() != 0 {
		t = map[quant.Type]quant.Type{quant.Q4_K: quant.Q5_0, quant.Q6_K: quant.Q8_0}[t]
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
	case quant.Q5_0:
		f16(0, std/9.23)
	case quant.MXFP4: // an exponent, then codes of 2.9 or so
		block[0] = 127 - 7
	case quant.F16:
		f16(0, 2*std*(float64(block[0])/255-0.5)*1.7)
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
