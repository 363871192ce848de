package engram

import (
	"encoding/binary"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// maxCount bounds the sizes that a file may claim.
const maxCount = 1 << 20

// Read reads the memories of a file. Converters have not agreed on where the
// tables of the hash are: as metadata under several names, or as tensors; all
// that are known are accepted. It returns the memories by layer.
func Read(f *gguf.File, m *model.Meta, c *model.Config) map[int]*Layer {
	r := &reader{f: f, m: m}
	ids := r.list("layer_ids")
	if len(ids) == 0 || m.Err() != nil {
		return nil
	}
	p := &Params{
		Heads: r.count("head_count", "engram_n_heads"),
		Dim:   r.count("key_length", "engram_head_dim"),
		NGram: r.count("max_ngram_size", "engram_max_ngram_size"),
		Map:   r.list("token_map"),
		Eps:   c.Eps,
	}
	if m.Err() != nil {
		return nil
	}
	p.Pad = r.pad(p.Map)
	mult, primes, offsets := r.list("multipliers", "hash_multipliers"), r.list("primes", "head_bucket_sizes"), r.list("offsets", "head_offsets")
	if p.NGram > 8 || p.NGram < 2 {
		m.Fail("engram.max_ngram_size", "is %d, expected 2 to 8", p.NGram)
		return nil
	}
	if p.Heads > 1<<10 || p.Width() > maxCount {
		m.Fail("engram.head_count", "is %d with rows of %d: too large", p.Heads, p.Dim)
		return nil
	}
	cols, n := p.Columns(), len(ids)
	if len(primes) == 0 {
		primes = r.primes(n * cols)
	}
	if len(offsets) == 0 {
		offsets = runningSums(primes, cols)
	}
	r.want("multipliers", len(mult), n*p.NGram)
	r.want("primes", len(primes), n*cols)
	r.want("offsets", len(offsets), n*cols)
	r.want("token_map", len(p.Map), c.Vocab)
	if m.Err() != nil {
		return nil
	}
	list := map[int]*Layer{}
	for i, id := range ids {
		if id < 0 || id >= int64(c.Layers) || list[int(id)] != nil {
			m.Fail("engram.layer_ids", "names layer %d twice or not among the %d layers", id, c.Layers)
			return nil
		}
		list[int(id)] = &Layer{
			Params: p,
			Mult:   unsigned(mult[i*p.NGram : (i+1)*p.NGram]),
			Primes: unsigned(primes[i*cols : (i+1)*cols]), Offsets: unsigned(offsets[i*cols : (i+1)*cols]),
		}
	}
	return list
}

type reader struct {
	f *gguf.File
	m *model.Meta
}

// count reads a number by the first of its names.
func (r *reader) count(name, flat string) int {
	if !r.m.Has("engram."+name) && r.m.Has(flat) {
		return r.m.Int(flat, maxCount)
	}
	return r.m.Int("engram."+name, maxCount)
}

// pad returns the class that stands before the beginning: given as a class, or
// as a token whose class it is.
func (r *reader) pad(classes []int64) int64 {
	if r.m.Has("engram.pad_id") || !r.m.Has("engram.pad_token_id") {
		return int64(r.m.IntOr("engram.pad_id", 2, maxCount))
	}
	id := r.m.Int("engram.pad_token_id", maxCount)
	if id >= len(classes) {
		r.m.Fail("engram.pad_token_id", "is %d, there are classes of %d tokens", id, len(classes))
		return 0
	}
	return classes[id]
}

// list reads integers by the first of the names that there are, as a key or as a
// tensor.
func (r *reader) list(names ...string) []int64 {
	for _, name := range names {
		key := r.m.Key("engram." + name)
		if _, ok := r.f.Value(key); ok {
			list, _, err := r.f.Ints(key)
			if err != nil {
				r.m.Fail("engram."+name, "is not an array of integers: %v", err)
			}
			return list
		}
		for _, tensor := range []string{"engram_" + name + ".weight", "engram." + name} {
			if t, ok := r.f.Tensor(tensor); ok {
				return r.tensor(t)
			}
		}
	}
	return nil
}

func (r *reader) tensor(t *gguf.Tensor) []int64 {
	data, err := r.f.Data(t)
	if err != nil {
		r.m.Fail("engram", "has tables in the tensor %q: %v", t.Name, err)
		return nil
	}
	var list []int64
	switch t.Type {
	case quant.I32:
		for ; len(data) >= 4; data = data[4:] {
			list = append(list, int64(int32(binary.LittleEndian.Uint32(data))))
		}
	case quant.I64:
		for ; len(data) >= 8; data = data[8:] {
			list = append(list, int64(binary.LittleEndian.Uint64(data)))
		}
	default:
		r.m.Fail("engram", "has tables in the tensor %q of type %v, expected I32 or I64", t.Name, t.Type)
	}
	return list
}

func (r *reader) want(name string, have, want int) {
	if have != want {
		r.m.Fail("engram."+name, "has %d entries, expected %d", have, want)
	}
}

// primes returns the sizes that the release uses when a file does not list them:
// the n primes from vocab_size on.
func (r *reader) primes(n int) []int64 {
	size := r.m.IntOr("engram.vocab_size", r.m.IntOr("engram_vocab_size", 0, 1<<31-1), 1<<31-1)
	if size == 0 || n > 1<<12 {
		r.m.Fail("engram.primes", "is missing, and so is engram.vocab_size, which would tell it")
		return nil
	}
	var list []int64
	for p := int64(size); len(list) < n; p++ {
		if isPrime(p) {
			list = append(list, p)
		}
	}
	return list
}

func isPrime(n int64) bool {
	if n < 4 {
		return n > 1
	}
	for d := int64(2); d*d <= n; d++ {
		if n%d == 0 {
			return false
		}
	}
	return true
}

// runningSums returns where each column's part of its layer's table begins.
func runningSums(primes []int64, cols int) []int64 {
	out := make([]int64, len(primes))
	for i := range primes {
		if i%cols != 0 {
			out[i] = out[i-1] + primes[i-1]
		}
	}
	return out
}

func unsigned(x []int64) []uint64 {
	out := make([]uint64, len(x))
	for i, v := range x {
		out[i] = uint64(v)
	}
	return out
}
