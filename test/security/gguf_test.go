package security_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/machine/par"
	"github.com/holdfast-llm/holdfast/internal/model"
	_ "github.com/holdfast-llm/holdfast/internal/model/all" // every architecture
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// header returns the first bytes of a file with the given counts.
func header(tensors, keys uint64) []byte {
	b := binary.LittleEndian.AppendUint32([]byte("GGUF"), 3)
	b = binary.LittleEndian.AppendUint64(b, tensors)
	return binary.LittleEndian.AppendUint64(b, keys)
}

// info adds the description of a tensor.
func info(b []byte, name string, t quant.Type, offset uint64, dims ...uint64) []byte {
	b = append(binary.LittleEndian.AppendUint64(b, uint64(len(name))), name...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(dims)))
	for _, d := range dims {
		b = binary.LittleEndian.AppendUint64(b, d)
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(t))
	return binary.LittleEndian.AppendUint64(b, offset)
}

// refuse wants a file to be refused, and to cost no memory that it does not have.
func refuse(t *testing.T, data []byte, why string) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f, err := gguf.OpenBytes("m.gguf", data)
	runtime.ReadMemStats(&after)
	if err == nil {
		f.Close()
		t.Errorf("%s: opened", why)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 1<<20+4*uint64(len(data)) {
		t.Errorf("%s: took %d bytes of memory for a file of %d", why, got, len(data))
	}
}

// A tensor whose bytes end behind the file's made Ollama read, and hand out,
// what lay behind its buffer.
func TestTensorBeyondTheFile(t *testing.T) {
	for _, offset := range []uint64{0, 32, 1 << 40, 1 << 63, math.MaxUint64 - 31} {
		for _, typ := range []quant.Type{quant.F32, quant.Q4_0, quant.Q4_K, quant.IQ1_S} {
			refuse(t, append(info(header(1, 0), "output.weight", typ, offset, 1<<20), make([]byte, 96)...), "tensor beyond the file")
		}
	}
}

// Sizes whose product overflows 64 bits made llama.cpp allocate too little.
func TestOverflowingSizes(t *testing.T) {
	pad := make([]byte, 256)
	for _, dims := range [][]uint64{
		{1 << 32, 1 << 32}, {1 << 62, 4}, {math.MaxUint64}, {1 << 63}, {256, 1 << 31, 1 << 31}, {3, 0x5555555555555556}, {1 << 16, 1 << 16, 1 << 16, 1 << 16}, {0, 1},
	} {
		for _, typ := range []quant.Type{quant.F32, quant.F64, quant.Q8_0, quant.Q6_K} {
			refuse(t, append(info(header(1, 0), "w", typ, 0, dims...), pad...), "overflowing size")
		}
	}
}

// Counts in the header that the file cannot hold made llama.cpp overflow its heap.
func TestAbsurdCounts(t *testing.T) {
	pad := make([]byte, 256)
	for _, n := range []uint64{1 << 20, 1 << 32, 1 << 59, 1 << 63, math.MaxUint64} {
		refuse(t, append(header(n, 0), pad...), "absurd number of tensors")
		refuse(t, append(header(0, n), pad...), "absurd number of keys")
		str := append(binary.LittleEndian.AppendUint64(header(0, 1), n), pad...)
		refuse(t, str, "absurd length of a key")
		key := append(binary.LittleEndian.AppendUint64(header(0, 1), 1), 'k')
		text := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint32(key, 8), n)
		refuse(t, append(text, pad...), "absurd length of a string")
		for elem := range uint32(13) {
			arr := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(key, 9), elem)
			refuse(t, append(binary.LittleEndian.AppendUint64(arr, n), pad...), "absurd length of an array")
		}
	}
}

// Odd vocabularies made llama.cpp copy pieces behind the end of its buffers, by
// lengths and ids that are negative where they are read as signed.
func TestOddVocabularies(t *testing.T) {
	tokens := []string{"a", strings.Repeat("x", 1<<20), "", "\xff\xfe", "<s>"}
	f := func(why string, set func(w *gguf.Writer)) {
		t.Helper()
		w := gguf.NewWriter()
		w.Set("general.architecture", "llama")
		set(w)
		path := filepath.Join(t.TempDir(), "m.gguf")
		if err := w.WriteFile(path); err != nil {
			t.Fatal(err)
		}
		g, err := gguf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		tok, err := tokenizer.FromGGUF(g)
		if err != nil {
			return // refused
		}
		// What is taken must work with any id and any text.
		ids := append(tok.Encode(nil, tokenizer.Span{Text: "a\x00\xff<s>é" + tokens[1]}), -1, 0, 1<<30, math.MinInt32)
		_ = tok.Decode(ids, true)
		for _, id := range ids {
			_ = tok.Bytes(id)
			_ = tok.IsEOG(id)
		}
	}
	base := func(w *gguf.Writer, model string) {
		w.Set("tokenizer.ggml.model", model)
		w.Set("tokenizer.ggml.tokens", tokens)
		w.Set("tokenizer.ggml.token_type", []int32{1, 1, 1, -7, 1 << 30})
		w.Set("tokenizer.ggml.scores", []float32{0, float32(math.NaN()), float32(math.Inf(1)), -1, 0})
		w.Set("tokenizer.ggml.merges", []string{"a a", "nospace", " ", "", "x y z"})
	}
	for _, model := range []string{"gpt2", "llama", "nonesuch"} {
		f("odd pieces", func(w *gguf.Writer) { base(w, model) })
		for _, id := range []any{int32(-1), uint32(math.MaxUint32), uint32(5), int64(math.MinInt64), uint64(1 << 40)} {
			f("odd special id", func(w *gguf.Writer) {
				base(w, model)
				w.Set("tokenizer.ggml.bos_token_id", id)
				w.Set("tokenizer.ggml.eos_token_id", id)
			})
		}
		f("fewer scores than tokens", func(w *gguf.Writer) {
			w.Set("tokenizer.ggml.model", model)
			w.Set("tokenizer.ggml.tokens", tokens)
			w.Set("tokenizer.ggml.scores", []float32{1})
			w.Set("tokenizer.ggml.token_type", []int32{1})
		})
		f("no tokens", func(w *gguf.Writer) {
			w.Set("tokenizer.ggml.model", model)
			w.Set("tokenizer.ggml.tokens", []string{})
		})
	}
}

// Hyperparameters of zero, negative or huge numbers made Ollama divide by zero,
// read behind slices and follow nil.
func TestOddHyperparameters(t *testing.T) {
	src, err := gguf.Open(filepath.Join(golden.ModuleRoot(t), "test/vectors/goldens/models/quant-llama-64-q4_1/model.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	team := par.New(1)
	defer team.Close()
	keys := []string{
		"llama.block_count", "llama.embedding_length", "llama.attention.head_count", "llama.attention.head_count_kv",
		"llama.feed_forward_length", "llama.rope.dimension_count", "llama.context_length", "llama.attention.key_length",
	}
	values := []any{uint32(0), int32(-1), uint32(math.MaxUint32), uint64(1 << 62), float32(math.NaN()), "many", []uint32{}, []uint32{0, 0}}
	for _, key := range keys {
		for _, v := range values {
			refuseModel(t, team, with(t, src, key, v, ""), fmt.Sprintf("%s = %v", key, v))
		}
	}
	for _, name := range []string{"token_embd.weight", "blk.0.attn_q.weight", "blk.1.ffn_down.weight", "output_norm.weight"} {
		refuseModel(t, team, with(t, src, "", nil, name), "without "+name)
	}
}

// with copies a file with one key changed, or one tensor left out.
func with(t *testing.T, src *gguf.File, key string, v any, without string) string {
	t.Helper()
	w := gguf.NewWriter()
	for _, k := range src.Keys() {
		if k != key {
			old, _ := src.Value(k)
			w.Set(k, old)
		}
	}
	if key != "" {
		w.Set(key, v)
	}
	for _, x := range src.Tensors() {
		if x.Name == without {
			continue
		}
		data, err := src.Data(&x)
		if err != nil {
			t.Fatal(err)
		}
		w.Add(x.Name, x.Type, x.Dims, data)
	}
	path := filepath.Join(t.TempDir(), "m.gguf")
	if err := w.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// refuseModel wants an error, or a model that can be closed again; never a panic,
// and no memory that the file does not justify.
func refuseModel(t *testing.T, team *par.Team, path, why string) {
	t.Helper()
	f, err := gguf.Open(path)
	if err != nil {
		return
	}
	defer f.Close()
	defer func() {
		if r := recover(); r != nil {
			t.Errorf("%s: panic: %v", why, r)
		}
	}()
	if _, err := model.Plan(f, model.Options{MaxRows: 8}); err == nil {
		m, err := model.Load(f, model.Options{Team: team, MaxRows: 8})
		if err == nil {
			m.Close()
		}
	}
}

// Paths that are no files: a device that never ends, a pipe that never begins,
// a folder.
func TestOnlyRegularFiles(t *testing.T) {
	for _, path := range []string{"/dev/zero", "/dev/random", "/dev/stdin", t.TempDir()} {
		if _, err := os.Stat(path); err != nil {
			continue
		}
		if f, err := gguf.Open(path); err == nil {
			f.Close()
			t.Errorf("%s was opened", path)
		}
	}
	if _, err := gguf.Open(filepath.Join(t.TempDir(), "none.gguf")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}
