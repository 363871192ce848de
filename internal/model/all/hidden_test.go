package all

import (
	"testing"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/modeltest"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// TestHidden: final states are what the output matrix turns into logits, alone
// and beside sequences that want logits, in few rows and in many.
func TestHidden(t *testing.T) {
	files := map[string]*gguf.File{"llama": modeltest.Open(t, specs["llama"]), "qwen3moe": modeltest.Open(t, specs["qwen3moe"])}
	for _, name := range []string{"deepseek2", "deepseek4"} {
		files[name] = modeltest.OpenDeepSeek(t, modeltest.DeepSeek{Arch: name})
	}
	for name, f := range files {
		r := modeltest.NewRunner(t, f, options(t, true), 2048)
		embd, vocab := r.Model.Config().Embd, r.Model.Config().Vocab
		for _, n := range []int{1, 5, 70} {
			r.Reset()
			seq, other := tokens(n, vocab), tokens(9, vocab-6)
			want, wantOther := r.Logits(seq, n), r.Logits(other, 9)
			r.Reset()
			hidden := r.NewSeq().Batch(seq, n)
			hidden.Hidden = true
			b := model.Batch{Seqs: []model.BatchSeq{r.NewSeq().Batch(other, 2), hidden, r.NewSeq().Batch(other, 1)}}
			r.Run(&b)
			if len(b.Logits) != 3*vocab || len(b.Hidden) != n*embd {
				t.Fatalf("%s: %d logits and %d values of states, expected %d and %d", name, len(b.Logits), len(b.Hidden), 3*vocab, n*embd)
			}
			same(t, "beside states", name, b.Logits[:2*vocab], wantOther[7*vocab:])
			same(t, "after states", name, b.Logits[2*vocab:], wantOther[8*vocab:])
			if d := modeltest.Compare(want, project(t, f, b.Hidden, embd, vocab), vocab); !(d.Max <= 1e-4) {
				t.Errorf("%s: logits made of %d states differ by %.3g", name, n, d.Max)
			}
		}
	}
}

// project multiplies states with the output matrix of a file.
func project(t *testing.T, f *gguf.File, states []float32, embd, vocab int) []float64 {
	x, ok := f.Tensor("output.weight")
	if !ok {
		t.Fatal("the file has no output.weight")
	}
	data, err := f.Data(x)
	if err != nil {
		t.Fatal(err)
	}
	w := make([]float32, vocab*embd)
	if err := quant.Dequantize(x.Type, w, data); err != nil {
		t.Fatal(err)
	}
	var out []float64
	for ; len(states) > 0; states = states[embd:] {
		for o := range vocab {
			sum := 0.0
			for i, v := range states[:embd] {
				sum += float64(v) * float64(w[o*embd+i])
			}
			out = append(out, sum)
		}
	}
	return out
}
