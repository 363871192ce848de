package hyper

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/vec"
)

// Blocks of columns, the last of them short, add up to the product with the whole
// normalised row, in both number formats and in whatever order they are measured.
func TestTotalIsProductWithNormalisedRow(t *testing.T) {
	const streams, embd, rows = 3, 2*blockCols + 16, 2
	rng := rand.New(rand.NewPCG(3, 4))
	p := Params{Streams: streams, RMSEps: 1e-6}
	width := p.width()
	fn := make([]float32, width*streams*embd)
	for i := range fn {
		fn[i] = float32(rng.NormFloat64()) / 16
	}
	half := make([]uint16, len(fn))
	vec.F32ToF16(half, fn)
	st := &State{Params: p, embd: embd, X: make([]float32, rows*streams*embd), tmp: [][]float32{make([]float32, streams*embd)}}
	for i := range st.X {
		st.X[i] = float32(3 * rng.NormFloat64())
	}
	st.sums = make([]float32, rows*st.blocks()*(width+1))
	for _, half := range [][]uint16{nil, half} {
		table := table{full: slices.Clone(fn), half: slices.Clone(half), width: width}
		values := slices.Clone(fn)
		if half != nil {
			table.full = nil
			vec.F16ToF32(values, half)
		}
		table.ready(streams, embd)
		for b := st.blocks() - 1; b >= 0; b-- {
			st.measure(0, &table, 1, b)
		}
		got := st.total(make([]float32, width), 1)
		for o, want := range product(values, st.X[streams*embd:], width, float64(p.RMSEps)) {
			if math.Abs(float64(got[o])-want) > 1e-5 {
				t.Errorf("half %v: product %d is %v, want %v", half != nil, o, got[o], want)
			}
		}
	}
}

// product multiplies [width][len(x)] with x divided by its root mean square.
func product(fn, x []float32, width int, eps float64) []float64 {
	square := 0.0
	for _, v := range x {
		square += float64(v) * float64(v)
	}
	out := make([]float64, width)
	for o := range out {
		for i, v := range x {
			out[o] += float64(fn[o*len(x)+i]) * float64(v)
		}
		out[o] /= math.Sqrt(square/float64(len(x)) + eps)
	}
	return out
}
