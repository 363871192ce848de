package gguf

import (
	"fmt"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// bigHeader has the vocabulary and the tensor count of a large model.
func bigHeader(b *testing.B) []byte {
	b.Helper()
	tokens := make([]string, 130_000)
	for i := range tokens {
		tokens[i] = fmt.Sprintf("token%d", i)
	}
	w := NewWriter()
	w.Set("tokenizer.ggml.tokens", tokens)
	for i := range 1200 {
		w.Add(fmt.Sprintf("blk.%d.ffn.weight", i), quant.I8, []uint64{1}, []byte{1})
	}
	data, err := w.Bytes()
	if err != nil {
		b.Fatal(err)
	}
	return data
}

func BenchmarkOpen(b *testing.B) {
	data := bigHeader(b)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		f, err := OpenBytes("m.gguf", data)
		if err != nil {
			b.Fatal(err)
		}
		f.Close()
	}
}

func BenchmarkStrings(b *testing.B) {
	f, err := OpenBytes("m.gguf", bigHeader(b))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if v, _, _ := f.Strings("tokenizer.ggml.tokens"); len(v) != 130_000 {
			b.Fatal(len(v))
		}
	}
}
