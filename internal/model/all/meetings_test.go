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
//
// More than six are left where something is chosen that all must know before they go
// on: which positions a row attends to (deepseek32, deepseek4 and deepseek41 keep so
// few here that 20 rows choose already; one row needs two more, several need three,
// a piece of a prompt one) and how much of an n-gram's value fits (the layer of
// deepseek41 that has a table, one more). Heads that do not give a worker sixteen
// queries at a time leave a long context to be handed out in parts (two more; the
// models called wide have enough heads), and so do the parts of grouped queries (one).
func TestMeetings(t *testing.T) {
	const deep = 1100 // more than one part of a split softmax
	cases := []struct {
		name string
		f    *gguf.File
		// most meetings with 1, 4, 8, 20, 40 and 64 rows, and with 1 row in a long context
		most [7]int
	}{
		{"llama", modeltest.Open(t, modeltest.Spec{Arch: "llama"}), [7]int{5, 5, 5, 5, 5, 5, 6}},
		{"qwen3moe", modeltest.Open(t, specs["qwen3moe"]), [7]int{6, 6, 6, 6, 6, 6, 7}},
		{"deepseek2 lite", modeltest.OpenDeepSeek(t, deepseeks["deepseek2 lite"]), [7]int{6, 6, 6, 6, 6, 5, 8}},
		{"deepseek2", modeltest.OpenDeepSeek(t, deepseeks["deepseek2"]), [7]int{6, 6, 6, 6, 6, 5, 8}},
		{"deepseek32", modeltest.OpenDeepSeek(t, deepseeks["deepseek32"]), [7]int{6, 6, 6, 10, 10, 11, 8}},
		{"deepseek2 wide", modeltest.OpenDeepSeek(t, deepseeks["deepseek2 wide"]), [7]int{6, 6, 6, 6, 6, 6, 6}},
		{"deepseek32 wide", modeltest.OpenDeepSeek(t, deepseeks["deepseek32 wide"]), [7]int{6, 6, 6, 8, 8, 6, 8}},
		{"deepseek4", modeltest.OpenDeepSeek(t, deepseeks["deepseek4"]), [7]int{6, 6, 6, 6, 9, 10, 8}},
		{"deepseek41", modeltest.OpenDeepSeek(t, deepseeks["deepseek41"]), [7]int{7, 9, 9, 10, 10, 10, 9}},
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

// TestMeetingsOfFour: teams of up to four meet no more often than two, also between
// the sizes at which every worker converts all rows and at which each has many.
func TestMeetingsOfFour(t *testing.T) {
	for name, f := range map[string]*gguf.File{
		"llama":          modeltest.Open(t, modeltest.Spec{Arch: "llama"}),
		"qwen3moe":       modeltest.Open(t, specs["qwen3moe"]),
		"deepseek2 wide": modeltest.OpenDeepSeek(t, deepseeks["deepseek2 wide"]),
	} {
		o := options(t, false)
		o.Team = modeltest.NewTeam(t, 4)
		r := modeltest.NewRunner(t, f, o, 1024)
		for _, rows := range []int{1, 9, 40, 100, 127, 128} {
			if n := meetings(t, r, o, r.NewSeq().Batch(tokens(rows, 77), 1)); n > 6 {
				t.Errorf("%s: four workers meet %d times in a layer with %d rows, expected at most 6", name, n, rows)
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
