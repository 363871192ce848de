package sample

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// adjusted returns the logits as the steps before truncation leave them.
func adjusted(t rapid.TB, o Options, logits []float32, history []int32) []float32 {
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	out := slices.Clone(logits)
	var sc Scratch
	for i := range history { // as tokens come one by one
		out = slices.Clone(logits)
		sc.undo = sc.undo[:0]
		s.adjust(&sc, out, history[:i+1])
	}
	return out
}

func TestPenaltiesAgainstTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		history := rapid.SliceOfN(rapid.Int32Range(0, 9), 1, 60).Draw(t, "history")
		o := neutral(1)
		o.PenaltyLastN = rapid.IntRange(-1, 70).Draw(t, "last_n")
		o.RepeatPenalty = rapid.SampledFrom([]float64{1, 1.5}).Draw(t, "repeat")
		o.FrequencyPenalty = rapid.SampledFrom([]float64{0, 0.25}).Draw(t, "frequency")
		o.PresencePenalty = rapid.SampledFrom([]float64{0, 0.5}).Draw(t, "presence")
		logits := []float32{-4, -3, -2, -1, 0, 1, 2, 3, 4, 5}
		want := slices.Clone(logits)
		window := history
		if o.PenaltyLastN >= 0 && len(window) > o.PenaltyLastN {
			window = window[len(window)-o.PenaltyLastN:]
		}
		for id := range want {
			n := 0
			for _, h := range window {
				if int(h) == id {
					n++
				}
			}
			if n == 0 {
				continue
			}
			if want[id] <= 0 {
				want[id] *= float32(o.RepeatPenalty)
			} else {
				want[id] /= float32(o.RepeatPenalty)
			}
			want[id] -= float32(n)*float32(o.FrequencyPenalty) + float32(o.PresencePenalty)
		}
		if diff := cmp.Diff(want, adjusted(t, o, logits, history)); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestCommonSuffixes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(rapid.Int32Range(0, 2), 1, 40).Draw(t, "x")
		var sc Scratch
		sc.commonSuffixes(x)
		for j := range x {
			n := 0
			for n <= j && x[j-n] == x[len(x)-1-n] {
				n++
			}
			if int(sc.z[j]) != n {
				t.Fatalf("z[%d] is %d, want %d", j, sc.z[j], n)
			}
		}
	})
}

// TestDRYAgainstTheDefinition looks for repetitions by trying them all.
func TestDRYAgainstTheDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(rapid.Int32Range(0, 4), 1, 40).Draw(t, "x")
		o := neutral(1)
		o.DRY = DRY{Multiplier: 0.5, Base: 2, AllowedLength: rapid.IntRange(1, 3).Draw(t, "allowed"), LastN: -1, Breakers: [][]int32{{4}, {2, 3}}}
		want := make([]float32, 6)
		limit := 0 // tokens since the last breaker
		for limit < len(x) {
			i := len(x) - 1 - limit
			if x[i] == 4 || x[i] == 3 && i > 0 && x[i-1] == 2 {
				break
			}
			limit++
		}
		for id := range int32(4) { // 4 breaks, so it is exempt
			longest := 0
			for j := range len(x) - 1 {
				if x[j+1] != id {
					continue
				}
				n := 0
				for n <= j && n < limit && x[j-n] == x[len(x)-1-n] {
					n++
				}
				longest = max(longest, n)
			}
			if longest >= o.DRY.AllowedLength {
				want[id] = -float32(0.5 * math.Pow(2, float64(longest-o.DRY.AllowedLength)))
			}
		}
		if diff := cmp.Diff(want, adjusted(t, o, make([]float32, 6), x)); diff != "" {
			t.Fatalf("x %v: %s", x, diff)
		}
	})
}

func TestDRYExponentIsBounded(t *testing.T) {
	o := neutral(1)
	o.DRY = DRY{Multiplier: 1, Base: 3, AllowedLength: 1, LastN: -1}
	got := adjusted(t, o, make([]float32, 2), make([]int32, 500)) // one token, 500 times
	if math.IsInf(float64(got[0]), 0) || got[0] > -1e30 {
		t.Errorf("logit %v, want a large finite penalty", got[0])
	}
}

func TestBreakers(t *testing.T) {
	pieces := []string{"a", "b\n", ":", "xy"}
	got := Breakers([]string{"\n", ":", "xy", ""}, len(pieces), func(id int32) string { return pieces[id] }, func(string) []int32 { return []int32{9, 8} })
	if diff := cmp.Diff([][]int32{{1}, {2}, {3}, {9, 8}}, got); diff != "" {
		t.Error(diff)
	}
}
