package attend

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu/cputest"
	"github.com/holdfast-llm/holdfast/internal/testutil/guard"
)

func TestParseElem(t *testing.T) {
	for _, e := range elems {
		if got, err := ParseElem(e.String()); err != nil || got != e {
			t.Errorf("ParseElem(%q) = %v, %v", e.String(), got, err)
		}
	}
	if _, err := ParseElem("q4_0"); err == nil {
		t.Error("ParseElem accepts q4_0")
	}
}

// Storing and loading is off by at most half a unit of the format: relative to
// the element for floats, to the largest of 32 for Q8_0.
func TestStoreThenLoad(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 1))
		for _, e := range elems {
			for n := 1; n < 140; n++ {
				x := normals(rng, n)
				row := guard.Slice[byte](t, e.RowBytes(n))
				got := guard.Slice[float32](t, n)
				e.Store(row, x)
				e.Load(got, row)
				for i, v := range x {
					top := 0.0
					for _, o := range x[i/32*32 : min(n, i/32*32+32)] {
						top = max(top, math.Abs(float64(o)))
					}
					a := math.Abs(float64(v))
					limit := map[Elem]float64{F32: 0, F16: a*0x1p-11 + 0x1p-25, BF16: a * 0x1p-8, Q8_0: top / 127 * 0.5001}[e]
					if err := math.Abs(float64(got[i]) - float64(v)); err > limit {
						t.Fatalf("%v n=%d: element %d of %g came back as %g", e, n, i, v, got[i])
					}
				}
			}
		}
	})
}

func TestStoreOfOddValues(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		x := make([]float32, 72)
		row, got := make([]byte, Q8_0.RowBytes(len(x))), make([]float32, len(x))
		for _, v := range []float64{math.Inf(1), math.Inf(-1), math.NaN()} {
			x[3], x[40] = float32(v), 2
			Q8_0.Store(row, x)
			Q8_0.Load(got, row)
			if got[0] == got[0] || got[31] == got[31] || got[40] != 2 || got[70] != 0 {
				t.Errorf("%v gives %v in its block and %v in the next", v, got[0], got[40])
			}
		}
		x[3] = 1e-40
		Q8_0.Store(row, x)
		Q8_0.Load(got, row)
		if got[3] != 0 {
			t.Errorf("1e-40 came back as %g", got[3])
		}
	})
}

// Every body stores and loads the same bits.
func TestQ8BodiesAgree(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(2, 2))
		for n := 1; n < 140; n++ {
			x := normals(rng, n)
			for i := range x {
				x[i] *= float32(math.Exp2(float64(rng.IntN(250) - 125)))
			}
			row, want := guard.Slice[byte](t, Q8_0.RowBytes(n)), make([]byte, Q8_0.RowBytes(n))
			for i := range row {
				row[i] = 0xFF
			}
			src := guard.Slice[float32](t, n)
			copy(src, x)
			Q8_0.Store(row, src)
			storeQ8Go(want, x)
			if d := cmp.Diff(want, []byte(row)); d != "" {
				t.Fatalf("n=%d: %s", n, d)
			}
			got, back := guard.Slice[float32](t, n), make([]float32, n)
			Q8_0.Load(got, row)
			loadQ8Go(back, want)
			if !slices.Equal(got, back) {
				t.Fatalf("n=%d: loaded %v, want %v", n, got, back)
			}
		}
	})
}
