package all

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/modeltest"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// shape is SmolLM2-135M's, where everything that is not a matrix product shows.
func shape(layers int) modeltest.Spec {
	return modeltest.Spec{
		Arch: "llama", Vocab: 49152, Embd: 576, Layers: layers, Heads: 9, KVHeads: 3,
		FF: 1536, Tied: true, Type: quant.Q4_0,
	}
}

func benchRunner(b *testing.B, spec modeltest.Spec, tokens int) *modeltest.Runner {
	o := model.Options{Team: modeltest.NewTeam(b, runtime.GOMAXPROCS(0)), CacheElem: attend.F16}
	return modeltest.NewRunner(b, modeltest.Open(b, spec), o, tokens)
}

// BenchmarkForward measures rows per second: prefill of n rows with one row of
// logits, and decode of n sequences at a depth of 256.
func BenchmarkForward(b *testing.B) {
	r := benchRunner(b, shape(30), 8192)
	for _, n := range []int{1, 4, 8, 64, 512} {
		b.Run(fmt.Sprintf("prefill/rows=%d", n), func(b *testing.B) {
			seq := tokens(n, 49152)
			r.Reset()
			batch := model.Batch{Seqs: []model.BatchSeq{r.NewSeq().Batch(seq, 1)}}
			b.ReportAllocs()
			for b.Loop() {
				r.Run(&batch)
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
	for _, n := range []int{1, 2, 4, 8} {
		b.Run(fmt.Sprintf("decode/seqs=%d", n), func(b *testing.B) {
			r.Reset()
			var batch model.Batch
			for range n {
				s := r.NewSeq()
				r.Run(&model.Batch{Seqs: []model.BatchSeq{s.Batch(tokens(256, 49152), 0)}})
				batch.Seqs = append(batch.Seqs, s.Batch(tokens(1, 49152), 1))
			}
			b.ReportAllocs()
			for b.Loop() {
				r.Run(&batch)
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkLoad measures reading and packing from a file in the page cache.
func BenchmarkLoad(b *testing.B) {
	spec := modeltest.Spec{
		Arch: "qwen2", Vocab: 65536, Embd: 1536, Layers: 8, Heads: 12, KVHeads: 2, FF: 8960,
		Type: quant.Q4_K, Repeat: true,
	}
	path := filepath.Join(b.TempDir(), "model.gguf")
	if err := os.WriteFile(path, modeltest.Build(b, spec), 0o600); err != nil {
		b.Fatal(err)
	}
	f, err := gguf.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close() })
	o := model.Options{Team: modeltest.NewTeam(b, runtime.GOMAXPROCS(0))}
	b.SetBytes(f.Size())
	for b.Loop() {
		m, err := model.Load(f, o)
		if err != nil {
			b.Fatal(err)
		}
		if err := m.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
