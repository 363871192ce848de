package modeltest

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/tensor/num"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// A Spec describes a tiny random model of one of the plain transformer
// architectures. Zero values get small defaults.
type Spec struct {
	Arch    string
	Vocab   int // 96
	Embd    int // 64, or 256 for types with blocks of 256
	Layers  int // 2
	Heads   int // 4
	KVHeads int // 2
	HeadDim int // Embd / Heads
	FF      int // 128, or 256
	Context int // 4096
	Experts int // of which Used are chosen; 8 for qwen3moe
	Used    int // 2
	Type    quant.Type
	Tied    bool
	Fused   bool // one attn_qkv instead of three tensors
	Bias    bool // biases of q, k, v and the output, each in its own tensor
	Seed    uint64
	// Repeat fills large matrices with copies of a few thousand random values,
	// which is quick to make: for benchmarks of real shapes.
	Repeat bool
	// Keys are set after the usual ones; a nil value leaves a key out.
	Keys map[string]any
	// Drop names tensors to leave out.
	Drop map[string]bool
	// Shapes replaces the shape of tensors.
	Shapes map[string][]uint64
}

func (s *Spec) defaults() {
	set := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	unit := max(64, s.Type.BlockElems())
	set(&s.Vocab, 96)
	set(&s.Embd, unit)
	set(&s.Layers, 2)
	set(&s.Heads, 4)
	set(&s.KVHeads, 2)
	set(&s.HeadDim, s.Embd/s.Heads)
	set(&s.FF, max(128, unit))
	set(&s.Context, 4096)
	if s.Arch == "qwen3moe" {
		set(&s.Experts, 8)
	}
	if s.Experts > 0 {
		set(&s.Used, 2)
	}
}

// Build returns the file of a random model. The same Spec gives the same bytes.
func Build(t testing.TB, s Spec) []byte {
	t.Helper()
	s.defaults()
	b := &builder{t: t, s: s, w: gguf.NewWriter(), rng: rand.New(rand.NewPCG(s.Seed, 1))}
	b.keys()
	b.tensors()
	data, err := b.w.Bytes()
	if err != nil {
		t.Fatalf("modeltest: %v", err)
	}
	return data
}

// Open builds a model and opens it.
func Open(t testing.TB, s Spec) *gguf.File {
	t.Helper()
	f, err := gguf.OpenBytes("random "+s.Arch, Build(t, s))
	if err != nil {
		t.Fatalf("modeltest: %v", err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Errorf("modeltest: %v", err)
		}
	})
	return f
}

type builder struct {
	t   testing.TB
	s   Spec
	w   *gguf.Writer
	rng *rand.Rand
}

// pair is one metadata key.
type pair struct {
	key   string
	value any
}

func (b *builder) keys() {
	s, a := &b.s, b.s.Arch+"."
	keys := []pair{
		{"general.architecture", s.Arch},
		{a + "vocab_size", uint32(s.Vocab)},
		{a + "context_length", uint32(s.Context)},
		{a + "embedding_length", uint32(s.Embd)},
		{a + "block_count", uint32(s.Layers)},
		{a + "feed_forward_length", uint32(s.FF)},
		{a + "attention.head_count", uint32(s.Heads)},
		{a + "attention.head_count_kv", uint32(s.KVHeads)},
		{a + "attention.key_length", uint32(s.HeadDim)},
		{a + "attention.value_length", uint32(s.HeadDim)},
		{a + "attention.layer_norm_rms_epsilon", float32(1e-5)},
		{a + "rope.freq_base", float32(10000)},
	}
	if s.Experts > 0 {
		keys = append(keys,
			pair{a + "expert_count", uint32(s.Experts)},
			pair{a + "expert_used_count", uint32(s.Used)},
			pair{a + "expert_feed_forward_length", uint32(s.FF)})
	}
	for _, k := range keys {
		if v, ok := s.Keys[k.key]; ok {
			k.value = v
		}
		if k.value != nil {
			b.w.Set(k.key, k.value)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.Keys)) {
		usual := slices.ContainsFunc(keys, func(k pair) bool { return k.key == key })
		if v := s.Keys[key]; v != nil && !usual {
			b.w.Set(key, v)
		}
	}
}

// tensors writes all tensors in the order of a converter.
func (b *builder) tensors() {
	s := &b.s
	embd, ff := s.Embd, s.FF
	b.matrix("token_embd.weight", embd, s.Vocab)
	if !s.Tied {
		b.matrix("output.weight", embd, s.Vocab)
	}
	b.vector("output_norm.weight", embd, 1)
	for i := range s.Layers {
		blk := fmt.Sprintf("blk.%d.", i)
		b.vector(blk+"attn_norm.weight", embd, 1)
		b.vector(blk+"ffn_norm.weight", embd, 1)
		b.attention(blk)
		if s.Experts == 0 {
			b.matrix(blk+"ffn_gate.weight", embd, ff)
			b.matrix(blk+"ffn_up.weight", embd, ff)
			b.matrix(blk+"ffn_down.weight", ff, embd)
			continue
		}
		b.tensor(blk+"ffn_gate_inp.weight", quant.F32, []uint64{uint64(embd), uint64(s.Experts)}, 0)
		b.matrix(blk+"ffn_gate_exps.weight", embd, ff, s.Experts)
		b.matrix(blk+"ffn_up_exps.weight", embd, ff, s.Experts)
		b.matrix(blk+"ffn_down_exps.weight", ff, embd, s.Experts)
	}
}

func (b *builder) attention(blk string) {
	s := &b.s
	q, kv := s.Heads*s.HeadDim, s.KVHeads*s.HeadDim
	parts := []struct {
		name string
		rows int
	}{{"attn_q", q}, {"attn_k", kv}, {"attn_v", kv}}
	if s.Fused {
		parts = parts[:1]
		parts[0].name, parts[0].rows = "attn_qkv", q+2*kv
	}
	for _, p := range parts {
		b.matrix(blk+p.name+".weight", s.Embd, p.rows)
		if s.Arch == "qwen2" && !s.Bias {
			b.vector(blk+p.name+".bias", p.rows, 0)
		}
	}
	if s.Bias {
		b.vector(blk+"attn_q.bias", q, 0)
		b.vector(blk+"attn_k.bias", kv, 0)
		b.vector(blk+"attn_v.bias", kv, 0)
		b.vector(blk+"attn_output.bias", s.Embd, 0)
	}
	b.matrix(blk+"attn_output.weight", q, s.Embd)
	if s.Arch == "qwen3" || s.Arch == "qwen3moe" {
		b.vector(blk+"attn_q_norm.weight", s.HeadDim, 1)
		b.vector(blk+"attn_k_norm.weight", s.HeadDim, 1)
	}
}

func (b *builder) matrix(name string, dims ...int) {
	shape := make([]uint64, len(dims))
	for i, d := range dims {
		shape[i] = uint64(d)
	}
	b.tensor(name, b.s.Type, shape, 0)
}

// vector adds float32 values around mean.
func (b *builder) vector(name string, n int, mean float64) {
	b.tensor(name, quant.F32, []uint64{uint64(n)}, mean)
}

// tensor adds random values: a matrix gets a spread that keeps the size of what
// it multiplies, a vector a small one around mean.
func (b *builder) tensor(name string, t quant.Type, shape []uint64, mean float64) {
	if b.s.Drop[name] {
		return
	}
	if other, ok := b.s.Shapes[name]; ok {
		shape = other
	}
	n := 1
	for _, d := range shape {
		n *= int(d)
	}
	spread := 0.2
	if len(shape) > 1 {
		spread = 1.2 / math.Sqrt(float64(shape[0]))
	}
	data := make([]byte, n/t.BlockElems()*t.BlockBytes())
	if b.s.Repeat && n > repeated {
		part := repeated / t.BlockElems() * t.BlockBytes()
		b.fill(name, t, data[:part], repeated, mean, spread)
		for at := part; at < len(data); at *= 2 {
			copy(data[at:], data[:at])
		}
	} else {
		b.fill(name, t, data, n, mean, spread)
	}
	b.w.Add(name, t, shape, data)
}

// repeated is how many values Spec.Repeat draws.
const repeated = 1 << 16

// fill encodes n random values.
func (b *builder) fill(name string, t quant.Type, data []byte, n int, mean, spread float64) {
	if quant.CanQuantize(t) {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(mean + spread*b.rng.NormFloat64())
		}
		if err := quant.Quantize(t, data, x); err != nil {
			b.t.Fatalf("modeltest: %s: %v", name, err)
		}
	} else {
		b.blocks(t, data, spread)
	}
}

// blocks fills data with random blocks of a type that has no encoder, scaled to
// the spread.
func (b *builder) blocks(t quant.Type, data []byte, spread float64) {
	size := t.BlockBytes()
	for i := range data {
		data[i] = byte(b.rng.Uint32())
	}
	x := make([]float32, t.BlockElems())
	for at := 0; at < len(data); at += size {
		block := data[at : at+size]
		setScale(t, block, 1)
		if err := quant.Dequantize(t, x, block); err != nil {
			b.t.Fatalf("modeltest: %v", err)
		}
		sum := 0.0
		for _, v := range x {
			sum += float64(v) * float64(v)
		}
		setScale(t, block, float32(spread/math.Sqrt(sum/float64(len(x))+1e-9)))
	}
}

// setScale writes the half-precision factor of a block. IQ1_M spreads its bits
// over the top of four 16-bit words; the other types here begin with it.
func setScale(t quant.Type, block []byte, d float32) {
	bits := num.F32ToF16(d)
	if t != quant.IQ1_M {
		binary.LittleEndian.PutUint16(block, bits)
		return
	}
	for i := range 4 {
		word := block[48+2*i:]
		low := binary.LittleEndian.Uint16(word) & 0x0fff
		binary.LittleEndian.PutUint16(word, low|bits>>(4*i)<<12)
	}
}
