package all

import (
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/modeltest"
)

// TestForwardAllocatesNothing: after the first calls, neither decode nor
// prefill nor a mixture allocates or starts a goroutine.
func TestForwardAllocatesNothing(t *testing.T) {
	for _, name := range []string{"llama", "qwen3moe"} {
		r := modeltest.NewRunner(t, modeltest.Open(t, specs[name]), options(t, false), 4096)
		long := r.NewSeq()
		for range 10 { // past the end of one part of a split softmax
			r.Run(&model.Batch{Seqs: []model.BatchSeq{long.Batch(tokens(100, 96), 0)}})
		}
		batches := map[string]*model.Batch{
			"decode":      {Seqs: []model.BatchSeq{long.Batch(tokens(1, 96), 1)}},
			"decode of 3": {Seqs: []model.BatchSeq{r.NewSeq().Batch(tokens(1, 96), 1), r.NewSeq().Batch(tokens(2, 96), 2)}},
			"prefill":     {Seqs: []model.BatchSeq{r.NewSeq().Batch(tokens(100, 96), 1)}},
			"of 20":       {Seqs: []model.BatchSeq{long.Batch(tokens(20, 96), 4)}},
		}
		for what, b := range batches {
			r.Run(b)
			before := runtime.NumGoroutine()
			if n := allocs(func() { r.Run(b) }); n != 0 {
				t.Errorf("%s: %s allocates %d times", name, what, n)
			}
			if after := runtime.NumGoroutine(); after > before {
				t.Errorf("%s: %s: %d goroutines became %d", name, what, before, after)
			}
		}
	}
}

// allocs returns how often f allocates, at best of some calls: others may allocate
// meanwhile. testing.AllocsPerRun leaves one processor only, on which a team of
// workers takes turns.
func allocs(f func()) uint64 {
	best := uint64(math.MaxUint64)
	var before, after runtime.MemStats
	for range 5 {
		runtime.ReadMemStats(&before)
		f()
		runtime.ReadMemStats(&after)
		best = min(best, after.Mallocs-before.Mallocs)
	}
	return best
}

// TestLongContext: past several parts of the split softmax, decode by several
// workers, prefill in odd chunks and one worker alone give the same bits, and
// agree with float64.
func TestLongContext(t *testing.T) {
	f := modeltest.Open(t, modeltest.Spec{Arch: "qwen2", Layers: 1, Embd: 32, FF: 32})
	const n = 1300
	seq := tokens(n, 96)
	o := options(t, true)
	r := modeltest.NewRunner(t, f, o, 4*n)
	want := r.Logits(seq, 128)
	ref := modeltest.NewReference(t, f).Logits(seq)
	if d := modeltest.Compare(want, ref, 96); !(d.Max <= 1e-4) {
		t.Errorf("logits differ by %.3g from the float64 reference", d.Max)
	}
	r.Reset()
	same(t, "in chunks of 3", "long", r.Logits(seq, 3), want)
	o.Team = modeltest.NewTeam(t, 1)
	same(t, "by one worker", "long", modeltest.NewRunner(t, f, o, 2*n).Logits(seq, 100), want)
	o.Team = modeltest.NewTeam(t, 4)
	o.BlockTokens = 64
	same(t, "by four workers", "long", modeltest.NewRunner(t, f, o, 2*n).Logits(seq, 7), want)
}

// TestBadBatch: a batch that does not fit is refused with the numbers.
func TestBadBatch(t *testing.T) {
	r := modeltest.NewRunner(t, modeltest.Open(t, specs["llama"]), options(t, false), 256)
	good := func() model.BatchSeq { r.Reset(); return r.NewSeq().Batch(tokens(20, 96), 1) }
	tests := map[string]struct {
		change func(s *model.BatchSeq)
		want   string
	}{
		"no rows":       {func(s *model.BatchSeq) { s.Tokens = nil }, "0 rows"},
		"many rows":     {func(s *model.BatchSeq) { s.Tokens = tokens(129, 96) }, "129 rows, expected 1 to 128"},
		"token":         {func(s *model.BatchSeq) { s.Tokens = []int32{3, 96} }, "token 1 is 96, expected 0 to 95"},
		"negative":      {func(s *model.BatchSeq) { s.Tokens = []int32{-1} }, "token 0 is -1"},
		"position":      {func(s *model.BatchSeq) { s.Pos = -1 }, "position is -1"},
		"short table":   {func(s *model.BatchSeq) { s.Blocks = s.Blocks[:1] }, "has 1 blocks, expected 2"},
		"unknown block": {func(s *model.BatchSeq) { s.Blocks = []int32{0, 1 << 20} }, "names block 1048576"},
		"logits":        {func(s *model.BatchSeq) { s.NLogits = 21 }, "logits of 21 rows"},
	}
	for name, test := range tests {
		s := good()
		s.Blocks = append([]int32(nil), s.Blocks...)
		test.change(&s)
		b := model.Batch{Seqs: []model.BatchSeq{s}, Cache: make([]byte, 64*r.Model.CacheSpec().BlockBytes)}
		err := r.Model.Forward(&b)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, expected it to say %q", name, err, test.want)
		}
	}
}

// TestLogitsOnlyWhereAsked: rows without logits are left out of the last layer,
// which changes neither the rows with logits nor what later tokens find.
func TestLogitsOnlyWhereAsked(t *testing.T) {
	for _, name := range []string{"qwen3", "qwen3moe"} {
		r := modeltest.NewRunner(t, modeltest.Open(t, specs[name]), options(t, false), 512)
		a, b := tokens(30, 96), tokens(17, 90)
		wantA, wantB := r.Logits(a, 30), r.Logits(b, 17)
		silent := r.NewSeq()
		batch := model.Batch{Seqs: []model.BatchSeq{
			r.NewSeq().Batch(a, 3), silent.Batch(a[:29], 0), r.NewSeq().Batch(b, 1),
		}}
		got := r.Forward(&batch)
		want := append(append([]float32(nil), wantA[27*96:]...), wantB[16*96:]...)
		same(t, "of some rows", name, got, want)
		if batch.Outputs() != 4 || batch.Rows() != 76 {
			t.Errorf("%d rows, %d outputs", batch.Rows(), batch.Outputs())
		}
		next := model.Batch{Seqs: []model.BatchSeq{silent.Batch(a[29:], 1)}}
		same(t, "after a silent chunk", name, r.Forward(&next), wantA[29*96:])
		none := model.Batch{Seqs: []model.BatchSeq{r.NewSeq().Batch(a, 0)}}
		if got := r.Forward(&none); len(got) != 0 {
			t.Errorf("%s: %d logits where none were asked", name, len(got))
		}
	}
}
