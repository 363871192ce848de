package matmul

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu/cputest"
)

func TestRestMakesActivationsOf16Bits(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 3))
		const cols = 512
		a, r := NewActs(2, cols), NewActs(2, cols)
		for _, x := range actRows(rng, cols) {
			for _, k := range []Kind{Q8, Q8K} {
				a.Set(k, 1, x)
				if !r.SetRest(k, 1, x, a) {
					t.Fatalf("%s: no rest", k)
				}
				unit := q8Cols
				if k == Q8K {
					unit = q8kCols
				}
				hi, lo := a.value(k, 1, cols), r.value(k, 1, cols)
				for i := range x {
					d, _ := scaleOf(x[i/unit*unit:][:unit])
					// Half a step of the rest, whose largest value is half a step and
					// the rounding of the scale; 2^-11 of it for its own scale.
					limit := float64(d)*(0.5+127*0x1p-11)*(0.5/127+0x1p-11)*1.01 + 2*tiny
					if err := math.Abs(float64(hi[i]) + float64(lo[i]) - float64(x[i])); err > limit+0x1p-23*math.Abs(float64(x[i])) {
						t.Fatalf("%s of %v: error %v above %v", k, x[i], err, limit)
					}
				}
			}
		}
		const odd = 301
		x := randomFloats(rng, odd)
		a.Set(BF16, 1, x)
		if !r.SetRest(BF16, 1, x, a) {
			t.Fatal("bf16: no rest")
		}
		hi, lo := a.value(BF16, 1, odd), r.value(BF16, 1, odd)
		for i, v := range x {
			if err := math.Abs(float64(hi[i]) + float64(lo[i]) - float64(v)); err > 0x1p-16*math.Abs(float64(v)) {
				t.Fatalf("bf16 of %v: error %v", v, err)
			}
		}
		if r.SetRest(F32, 0, make([]float32, cols), a) {
			t.Fatal("f32 leaves a rest")
		}
	})
}
