package deepseek2_test

import (
	"math"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/deepseek2"
	_ "github.com/holdfast-llm/holdfast/internal/model/deepseek32" // an indexer beside rebuilt keys
	"github.com/holdfast-llm/holdfast/internal/model/layers/mla"
	"github.com/holdfast-llm/holdfast/internal/model/modeltest"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
)

const vocab = modeltest.DeepSeekVocab

func prompt(n int) []int32 {
	out := make([]int32, n)
	for i := range out {
		out[i] = int32((i*i*31 + i*7 + 5) % vocab)
	}
	return out
}

func runner(t *testing.T, s modeltest.DeepSeek, rebuildRows int) *modeltest.Runner {
	o := model.Options{Team: modeltest.NewTeam(t, 2), Exact: true, MaxRows: 400, BlockTokens: 16}
	r := modeltest.NewRunner(t, modeltest.OpenDeepSeek(t, s), o, 4096)
	deepseek2.SetRebuildRows(r.Model, rebuildRows)
	return r
}

// TestRebuiltAgreesWithAbsorbed: both forms give the same logits but for
// rounding, in both file layouts, across parts and after a cached beginning.
func TestRebuiltAgreesWithAbsorbed(t *testing.T) {
	for _, s := range []modeltest.DeepSeek{
		{Arch: "deepseek2"},
		{Arch: "deepseek2", Legacy: true},
		{Arch: "deepseek2", Lite: true},
		{Arch: "deepseek32", Keys: map[string]any{"attention.indexer.top_k": uint32(300)}},
	} {
		absorbed, rebuilt := runner(t, s, 1<<30), runner(t, s, 50)
		seq := prompt(700)
		for _, chunk := range []int{350, 70} {
			want, got := absorbed.Logits(seq, chunk), rebuilt.Logits(seq, chunk)
			d := modeltest.Compare(got, modeltest.Float64s(want), vocab)
			if !(d.Max <= 1e-4) {
				t.Errorf("%+v in chunks of %d: the forms differ by %.3g", s, chunk, d.Max)
			}
			if chunk == 70 && d.Max == 0 {
				t.Errorf("%+v: no difference at all: were keys rebuilt?", s)
			}
		}
	}
}

// TestLongDecode: past two parts of the split softmax, one row whose parts
// several workers share and whole tiles of rows give the same bits, whatever the
// cache and with queries that have a latent or not.
func TestLongDecode(t *testing.T) {
	const n, last = 2100, 3
	for elem, s := range map[attend.Elem]modeltest.DeepSeek{attend.F32: {Arch: "deepseek2"}, attend.BF16: {Arch: "deepseek2", Lite: true}} {
		logits := func(workers, tail int) []float32 {
			o := model.Options{Team: modeltest.NewTeam(t, workers), CacheElem: elem, MaxRows: 200}
			r := modeltest.NewRunner(t, modeltest.OpenDeepSeek(t, s), o, 4096)
			seq, q := prompt(n), r.NewSeq()
			for at := 0; at < n-last; at += 200 {
				r.Run(&model.Batch{Seqs: []model.BatchSeq{q.Batch(seq[at:min(at+200, n-last)], 0)}})
			}
			var out []float32
			for at := n - last; at < n; at += tail {
				out = append(out, r.Forward(&model.Batch{Seqs: []model.BatchSeq{q.Batch(seq[at:at+tail], tail)}})...)
			}
			return out
		}
		want := logits(1, last)
		for i, v := range logits(3, 1) {
			if math.Float32bits(v) != math.Float32bits(want[i]) {
				t.Fatalf("%+v, cache of %v: logit %d is %v by three workers, %v by one", s, elem, i, v, want[i])
			}
		}
	}
}

// TestFormDependsOnTheSequenceAlone: in one batch a long piece is rebuilt and
// short ones are absorbed, each with the bits that it has alone.
func TestFormDependsOnTheSequenceAlone(t *testing.T) {
	r := runner(t, modeltest.DeepSeek{Arch: "deepseek2"}, 50)
	lens := []int{3, 120, 49, 50, 1}
	var want [][]float32
	for _, n := range lens {
		want = append(want, r.Logits(prompt(n), n))
	}
	var b model.Batch
	for _, n := range lens {
		b.Seqs = append(b.Seqs, r.NewSeq().Batch(prompt(n), n))
	}
	got := r.Forward(&b)
	for i, w := range want {
		for j := range w {
			if math.Float32bits(got[j]) != math.Float32bits(w[j]) {
				t.Fatalf("sequence of %d tokens: logit %d is %v in the batch, %v alone", lens[i], j, got[j], w[j])
			}
		}
		got = got[len(w):]
	}
}

func TestRebuildRows(t *testing.T) {
	// Below this many rows the building costs more than it saves, counted in
	// multiplications of V2 and V3.
	const absorbed, rebuilt, build = 576 + 512, 192 + 128, 512 * (128 + 128)
	if even := build / (absorbed - rebuilt); mla.RebuildRows < even {
		t.Errorf("keys are rebuilt from %d rows on, which pays from %d on", mla.RebuildRows, even)
	}
}
