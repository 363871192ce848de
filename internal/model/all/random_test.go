package all

import (
	"fmt"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/modeltest"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// specs are random models that cover every architecture and layout here.
var specs = map[string]modeltest.Spec{
	"llama":           {Arch: "llama"},
	"llama tied":      {Arch: "llama", Tied: true},
	"llama odd":       {Arch: "llama", Vocab: 77, Embd: 96, Heads: 3, KVHeads: 1, FF: 160},
	"llama small hd":  {Arch: "llama", Heads: 8, KVHeads: 4}, // heads of 8: half a group
	"llama fused":     {Arch: "llama", Fused: true},
	"llama bias":      {Arch: "llama", Bias: true},
	"llama half bias": {Arch: "llama", Bias: true, Fused: true}, // one matrix, three biases
	"qwen2":           {Arch: "qwen2"},
	"qwen2 fused":     {Arch: "qwen2", Fused: true},
	"qwen3":           {Arch: "qwen3", HeadDim: 32},
	"qwen3 fused":     {Arch: "qwen3", HeadDim: 32, Fused: true},
	"qwen3moe":        {Arch: "qwen3moe", HeadDim: 32},
	"qwen3moe top 5":  {Arch: "qwen3moe", Experts: 12, Used: 5, FF: 96},
	"qwen3moe single": {Arch: "qwen3moe", Experts: 3, Used: 1},
}

// tokens returns n tokens of a vocabulary, without a pattern.
func tokens(n, vocab int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32((i*i*31 + i*7 + 5) % vocab)
	}
	return out
}

// TestRandomModels compares the exact path with an independent float64
// implementation that reads the same file.
func TestRandomModels(t *testing.T) {
	for name, spec := range specs {
		t.Run(name, func(t *testing.T) {
			f := modeltest.Open(t, spec)
			seq := tokens(40, 77)
			want := modeltest.NewReference(t, f).Logits(seq)
			// One worker with 40 rows projects its own rows alone, 21 rows of two
			// workers are split by outputs, and few rows are private.
			for _, workers := range []int{1, 2} {
				o := options(t, true)
				o.Team = modeltest.NewTeam(t, workers)
				r := modeltest.NewRunner(t, f, o, 256)
				for _, chunk := range []int{40, 21, 1, 5} {
					d := modeltest.Compare(r.Logits(seq, chunk), want, r.Model.Config().Vocab)
					if !(d.Max <= 1e-4) {
						t.Errorf("chunks of %d: logits differ by %.3g from the float64 reference", chunk, d.Max)
					}
				}
			}
		})
	}
}

// TestEveryType runs a model of each tensor type, exactly and by default, from
// packed memory and from the file's mapping.
func TestEveryType(t *testing.T) {
	team := modeltest.NewTeam(t, 2)
	for _, typ := range quant.Types() {
		if !runnable(typ) {
			continue
		}
		t.Run(typ.String(), func(t *testing.T) {
			f := modeltest.Open(t, modeltest.Spec{Arch: "qwen2", Type: typ, Layers: 1})
			seq := tokens(9, 96)
			want := modeltest.NewReference(t, f).Logits(seq)
			for _, exact := range []bool{true, false} {
				o := model.Options{Team: team, Exact: exact, MaxRows: 16}
				packed := modeltest.NewRunner(t, f, o, 64)
				got := packed.Logits(seq, 9)
				d := modeltest.Compare(got, want, 96)
				if exact && !(d.Max <= 1e-4) || !(d.KL <= 0.02) {
					t.Errorf("exact=%v: max %.3g, divergence %.3g", exact, d.Max, d.KL)
				}
				o.KeepMapped = true
				same(t, fmt.Sprintf("mapped, exact=%v", exact), typ.String(), modeltest.NewRunner(t, f, o, 64).Logits(seq, 9), got)
			}
		})
	}
}

// runnable leaves out types that no weight matrix has: integers, and formats
// that ggml uses for activations only.
func runnable(t quant.Type) bool {
	switch t {
	case quant.I8, quant.I16, quant.I32, quant.I64, quant.F64, quant.Q8_1, quant.Q8_K:
		return false
	}
	return true
}
