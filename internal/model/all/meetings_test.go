package all

import (
	"testing"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/modeltest"
)

// TestMeetings counts how often the workers of a team of two meet in a layer: the
// most of all layers, for decode, for a few rows, for a piece of a prompt, and for
// decode behind a context so long that its parts are handed out. Run it with -v
// for the numbers.
func TestMeetings(t *testing.T) {
	const deep = 1100 // more than one part of a split softmax
	cases := []struct {
		name string
		f    *gguf.File
		// most meetings with 1, 4, 8, 20, 40 and 64 rows, and with 1 row in a long context
		most [7]int
	}{
		{"llama", modeltest.Open(t, modeltest.Spec{Arch: "llama"}), [7]int{5, 5, 5, 5, 9, 5, 6}},
		{"qwen3moe", modeltest.Open(t, specs["qwen3moe"]), [7]int{6, 6, 6, 6, 8, 6, 7}},
		{"deepseek2 lite", modeltest.OpenDeepSeek(t, deepseeks["deepseek2 lite"]), [7]int{6, 6, 6, 6, 6, 5, 8}},
		{"deepseek2", modeltest.OpenDeepSeek(t, deepseeks["deepseek2"]), [7]int{6, 6, 6, 6, 6, 5, 8}},
		{"deepseek32", modeltest.OpenDeepSeek(t, deepseeks["deepseek32"]), [7]int{6, 6, 6, 10, 14, 12, 8}},
		{"deepseek2 wide", modeltest.OpenDeepSeek(t, deepseeks["deepseek2 wide"]), [7]int{6, 6, 6, 6, 6, 6, 6}},
		{"deepseek32 wide", modeltest.OpenDeepSeek(t, deepseeks["deepseek32 wide"]), [7]int{6, 6, 6, 8, 8, 6, 8}},
		{"deepseek4", modeltest.OpenDeepSeek(t, deepseeks["deepseek4"]), [7]int{6, 6, 6, 10, 13, 11, 8}},
		{"deepseek41", modeltest.OpenDeepSeek(t, deepseeks["deepseek41"]), [7]int{7, 10, 10, 13, 15, 13, 9}},
	}
	for _, c := range cases {
		o := options(t, false)
		r := modeltest.NewRunner(t, c.f, o, 2048)
		var got [7]int
		for i, rows := range []int{1, 4, 8, 20, 40, 64} {
			r.Reset()
			s := r.NewSeq()
			r.Run(&model.Batch{Seqs: []model.BatchSeq{s.Batch(tokens(3, 77), 0)}})
			got[i] = meetings(t, r, o, s.Batch(tokens(rows, 77), 1))
		}
		r.Reset()
		s := r.NewSeq()
		for range deep / 100 {
			r.Run(&model.Batch{Seqs: []model.BatchSeq{s.Batch(tokens(100, 77), 0)}})
		}
		got[6] = meetings(t, r, o, s.Batch(tokens(1, 77), 1))
		t.Logf("%-15s %v", c.name, got)
		for i, n := range got {
			if n > c.most[i] {
				t.Errorf("%s: the workers meet %v times in a layer, expected at most %v", c.name, got, c.most)
				break
			}
		}
	}
}

// meetings returns the most meetings of a layer.
func meetings(t *testing.T, r *modeltest.Runner, o model.Options, s model.BatchSeq) int {
	t.Helper()
	var at []uint32
	b := model.Batch{Seqs: []model.BatchSeq{s}, Trace: func(int, []float32) { at = append(at, o.Team.Meetings()) }}
	r.Run(&b)
	if len(at) < 2 {
		t.Fatalf("%d layers were traced", len(at))
	}
	most := 0
	for i, n := range at[1:] {
		// Tracing itself takes two meetings.
		most = max(most, int(n-at[i])-2)
	}
	return most
}
