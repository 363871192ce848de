package deepseek2_test

import (
	"math"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers/mla"
	"github.com/holdfast-llm/holdfast/internal/model/modeltest"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
)

// TestDeterministic: pieces of any size, one worker or three, give the same
// bits, also on both sides of the number of tokens from which keys are rebuilt
// otherwise.
func TestDeterministic(t *testing.T) {
	seq := prompt(2*mla.RebuildRows + 9)
	run := func(workers, chunk int, deterministic bool) []float32 {
		o := model.Options{
			Team: modeltest.NewTeam(t, workers), MaxRows: len(seq), BlockTokens: 16, CacheElem: attend.BF16, Deterministic: deterministic,
		}
		r := modeltest.NewRunner(t, modeltest.OpenDeepSeek(t, modeltest.DeepSeek{Arch: "deepseek2"}), o, 2*len(seq))
		return r.Logits(seq, chunk)
	}
	same := func(a, b []float32) bool {
		for i := range a {
			if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
				return false
			}
		}
		return len(a) == len(b)
	}
	want := run(1, len(seq), true)
	for _, chunk := range []int{64, mla.RebuildRows - 1, mla.RebuildRows + 1} {
		if !same(run(3, chunk, true), want) {
			t.Errorf("pieces of %d tokens give other bits than the whole", chunk)
		}
	}
	if same(run(1, len(seq), false), want) {
		t.Error("without the option the whole prompt has the same bits: were keys rebuilt?")
	}
}
