package vec

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu/cputest"
	"github.com/holdfast-llm/holdfast/internal/testutil/guard"
)

// ulps is the distance of got from want in units of the last place of want as a
// float32.
func ulps(got float32, want float64) float64 {
	_, e := math.Frexp(want)
	unit := math.Ldexp(1, max(e-24, -149))
	return math.Abs(float64(got)-want) / unit
}

func TestExpAccuracy(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		const step = 997 // prime: about 2.2 million of the floats between the limits
		var x []float32
		for b := uint32(0); b < math.Float32bits(88.72); b += step {
			x = append(x, math.Float32frombits(b))
		}
		for b := uint32(0); b < math.Float32bits(87.33); b += step {
			x = append(x, -math.Float32frombits(b))
		}
		y := make([]float32, len(x))
		Exp(y, x)
		worst, at := 0.0, float32(0)
		for i, v := range x {
			if u := ulps(y[i], math.Exp(float64(v))); !(u <= worst) {
				worst, at = u, v
			}
		}
		if !(worst <= 1.1) {
			t.Errorf("exp(%g) is off by %.3f units in the last place", at, worst)
		}
		t.Logf("largest error %.3f units in the last place, at %g, of %d values", worst, at, len(x))
	})
}

func TestExpOfOddValues(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		inf := float32(math.Inf(1))
		f := func(x, want float32) {
			t.Helper()
			y := make([]float32, 16)
			y[7] = x
			Exp(y, y)
			if y[7] != want && (want == want || y[7] == y[7]) {
				t.Errorf("exp(%g) = %g, want %g", x, y[7], want)
			}
		}
		f(0, 1)
		f(inf, inf)
		f(-inf, 0)
		f(88.73, inf)
		f(1000, inf)
		f(-104.5, 0)
		f(-1e30, 0)
		f(float32(math.NaN()), float32(math.NaN()))
		// Below the normal numbers: right to one step of the smallest.
		y := []float32{-88, -95, -103}
		x := append([]float32{}, y...)
		Exp(y, y)
		for i := range x {
			near(t, "Exp", 3, i, y[i], math.Exp(float64(x[i])), 0x1p-149)
		}
	})
}

func TestExpSub(t *testing.T) {
	lengths(t, func(t *testing.T, rng *rand.Rand, n int) {
		x, y := normals(t, rng, n), guard.Slice[float32](t, n)
		sum := ExpSub(y, x, 1.25)
		var total float64
		for i, v := range x {
			want := math.Exp(float64(v - 1.25))
			near(t, "ExpSub", n, i, y[i], want, 2.2*eps*want)
			total += float64(y[i])
		}
		near(t, "ExpSub", n, -1, sum, total, eps*1.001*total)
	})
}
