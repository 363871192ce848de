package matmul

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu/cputest"
	"github.com/holdfast-llm/holdfast/internal/tensor/num"
)

func TestTinyConstant(t *testing.T) {
	// The assembly holds the same constant by its bits.
	if b := math.Float32bits(tiny); b != 0x1e3ce508 {
		t.Fatalf("bits of tiny: got %#x, want 0x1e3ce508", b)
	}
}

// actRows are rows with ties, zeros, extremes and ordinary values.
func actRows(rng *rand.Rand, cols int) [][]float32 {
	scaled := func(f func() float32) []float32 {
		x := make([]float32, cols)
		for i := range x {
			x[i] = f()
		}
		return x
	}
	normal := func() float32 { return float32(rng.NormFloat64()) }
	return [][]float32{
		scaled(normal),
		scaled(func() float32 { return 0 }),
		scaled(func() float32 { return normal() * 1e-20 }),
		scaled(func() float32 { return normal() * 1e-38 }),
		scaled(func() float32 { return normal() * 1e30 }),
		scaled(func() float32 { return float32(rng.IntN(511)-255) / 2 }), // ties when the scale is 1
		scaled(func() float32 { return float32(math.Copysign(3, rng.Float64()-0.5)) }),
		scaled(func() float32 { return float32(math.Exp(8 * rng.NormFloat64())) }),
	}
}

func TestSetEqualsPortable(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 9))
		for _, cols := range []int{256, 512, 1536} {
			for i, x := range actRows(rng, cols) {
				if i == 5 {
					x[3], x[cols-1] = 127, -127
				}
				a := NewActs(1, cols)
				src := guarded[float32](t, cols)
				copy(src, x)
				for _, k := range []Kind{Q8, Q8K} {
					a.Set(k, 0, src)
					want := make([]byte, len(a.bufs[k].data))
					if k == Q8 {
						quantizeQ8Go(want, x)
					} else {
						quantizeQ8KGo(want, x)
					}
					if got := a.bufs[k].data; !bytes.Equal(got, want) {
						t.Fatalf("%s of case %d: units differ from the portable code", k, i)
					}
				}
			}
		}
	})
}

func TestSetRoundsToHalfAScale(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	const cols = 512
	a := NewActs(1, cols)
	for _, x := range actRows(rng, cols) {
		for _, k := range []Kind{Q8, Q8K} {
			unit := q8Cols
			if k == Q8K {
				unit = q8kCols
			}
			a.Set(k, 0, x)
			got := a.value(k, 0, cols)
			for o := 0; o < cols; o += unit {
				d, _ := scaleOf(x[o : o+unit])
				for i := o; i < o+unit; i++ {
					limit := 0.5001*float64(d) + tiny
					if k == Q8 { // the scale is rounded to 11 bits
						limit += 0x1.01p-11 * math.Abs(float64(x[i]))
					}
					if err := math.Abs(float64(got[i] - x[i])); err > limit {
						t.Fatalf("%s of %v: got %v with scale %v", k, x[i], got[i], d)
					}
				}
			}
		}
	}
}

func TestRoundScaleIsHalfPrecisionWithoutItsRange(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 11))
	for range 100_000 {
		x := float32(math.Ldexp(1+rng.Float64(), rng.IntN(29)-14)) // what half precision holds in full
		if rng.IntN(2) == 0 {
			x = -x
		}
		if got, want := roundScale(x), num.F16ToF32(num.F32ToF16(x)); got != want && !math.IsInf(float64(want), 0) {
			t.Fatalf("roundScale(%v) = %v, want %v", x, got, want)
		}
		big := x * 0x1p60
		if got, want := roundScale(big), roundScale(x)*0x1p60; got != want {
			t.Fatalf("roundScale(%v) = %v, want %v", big, got, want)
		}
	}
}

func BenchmarkSet(b *testing.B) {
	eachTier(b, func(b *testing.B) {
		for _, k := range []Kind{Q8, Q8K} {
			b.Run("kind="+k.String()+"/n=1536", func(b *testing.B) {
				a := NewActs(1, 1536)
				x := randomFloats(rand.New(rand.NewPCG(1, 1)), 1536)
				b.SetBytes(4 * 1536)
				for b.Loop() {
					a.Set(k, 0, x)
				}
			})
		}
	})
}
