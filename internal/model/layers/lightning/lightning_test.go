package lightning

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
)

// best is Best by sorting.
func best(scores []float32, k int) []int32 {
	order := make([]int32, len(scores))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(scores[b], scores[a]) })
	order = order[:min(k, len(order))]
	slices.Sort(order)
	return order
}

func TestBestEqualsSorting(t *testing.T) {
	var s Scratch
	rapid.Check(t, func(t *rapid.T) {
		// Few different values, so that there are ties at the cut.
		scores := rapid.SliceOfN(rapid.Map(rapid.IntRange(-3, 3), func(v int) float32 { return float32(v) }), 1, 60).Draw(t, "scores")
		k := rapid.IntRange(0, 65).Draw(t, "k")
		if d := gocmp.Diff(best(scores, k), s.Best([]int32{}, scores, k)); d != "" {
			t.Fatal(d)
		}
	})
}

func TestBestOfHardInputs(t *testing.T) {
	var s Scratch
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	f := func(k int, want []int32, scores ...float32) {
		t.Helper()
		if d := gocmp.Diff(want, s.Best([]int32{}, scores, k)); d != "" {
			t.Error(d)
		}
	}
	f(2, []int32{0, 1}, 0, 0, 0, 0)
	f(2, []int32{1, 3}, nan, 1, nan, 2)
	f(2, []int32{0, 1}, nan, nan, nan)
	f(1, []int32{2}, 1, -inf, inf, inf)
	f(3, []int32{2, 3, 4}, 1, 2, 3, 4, 5)
	f(3, []int32{0, 1, 2}, 5, 4, 3, 2, 1)
}

func TestScore(t *testing.T) {
	q := []float32{1, 0, 0, 2} // two heads of two
	weight := []float32{3, 5}
	keys := make([]byte, attend.F32.RowBytes(2)*2)
	attend.F32.Store(keys, []float32{2, -1})
	attend.F32.Store(keys[8:], []float32{-1, 4})
	got := make([]float32, 2)
	var s Scratch
	s.Begin(q, weight, attend.F32, false)
	s.Score(got, keys)
	// relu(2)*3 + relu(-2)*5 and relu(-1)*3 + relu(8)*5
	if d := gocmp.Diff([]float32{6, 40}, got); d != "" {
		t.Error(d)
	}
}

// TestScoreOfMany: more heads than fit at once, more keys than a block, in pieces
// or at once.
func TestScoreOfMany(t *testing.T) {
	const heads, dim, n = attend.MaxQueries + 9, 24, attend.Step + 7
	r := rand.New(rand.NewPCG(1, 2))
	random := func(n int) []float32 {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		return x
	}
	q, weight, key := random(heads*dim), random(heads), random(n*dim)
	for _, elem := range []attend.Elem{attend.F32, attend.F16, attend.BF16} {
		keys := make([]byte, elem.RowBytes(n*dim))
		elem.Store(keys, key)
		elem.Load(key, keys)
		var s Scratch
		got, one := make([]float32, n), make([]float32, 1)
		s.Begin(q, weight, elem, false)
		s.Score(got, keys)
		for i, v := range got {
			want := 0.0
			for h, w := range weight {
				d := 0.0
				for j := range dim {
					d += float64(q[h*dim+j]) * float64(key[i*dim+j])
				}
				want += float64(w) * max(d, 0)
			}
			if math.Abs(float64(v)-want) > 1e-4 {
				t.Fatalf("%v: score of key %d is %v, want %v", elem, i, v, want)
			}
			s.Score(one, keys[elem.RowBytes(i*dim):])
			if one[0] != v {
				t.Fatalf("%v: score of key %d alone is %v, with others %v", elem, i, one[0], v)
			}
		}
	}
}

func TestKeyElem(t *testing.T) {
	for in, want := range map[attend.Elem]attend.Elem{
		attend.F32: attend.F32, attend.F16: attend.F16, attend.BF16: attend.BF16, attend.Q8_0: attend.BF16,
	} {
		if got := KeyElem(in); got != want {
			t.Errorf("keys beside %v rows are %v, expected %v", in, got, want)
		}
	}
}

func BenchmarkScore(b *testing.B) {
	const heads, dim, n = 64, 128, 1024
	q, weight := make([]float32, heads*dim), make([]float32, heads)
	keys := make([]byte, n*attend.BF16.RowBytes(dim))
	dst := make([]float32, n)
	var s Scratch
	for b.Loop() {
		s.Begin(q, weight, attend.BF16, true)
		s.Score(dst, keys)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/key")
}
