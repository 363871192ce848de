package vec

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu/cputest"
	"github.com/holdfast-llm/holdfast/internal/tensor/num"
	"github.com/holdfast-llm/holdfast/internal/testutil/guard"
)

const eps = 0x1p-24 // relative error of one rounding

// normals returns n guarded standard normal numbers.
func normals(t testing.TB, rng *rand.Rand, n int) []float32 {
	x := guard.Slice[float32](t, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// clone returns a guarded copy.
func clone(t testing.TB, x []float32) []float32 {
	c := guard.Slice[float32](t, len(x))
	copy(c, x)
	return c
}

// lengths runs f for every implementation and every length up to 300.
func lengths(t *testing.T, f func(t *testing.T, rng *rand.Rand, n int)) {
	t.Helper()
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		for n := range 301 {
			f(t, rng, n)
		}
	})
}

// near fails unless got is within limit of want.
func near(t *testing.T, name string, n, i int, got float32, want, limit float64) {
	t.Helper()
	if !(math.Abs(float64(got)-want) <= limit) {
		t.Fatalf("%s: n=%d: element %d is %g, want %g within %.2g", name, n, i, got, want, limit)
	}
}

// A sum of n products in any order is off by at most n*eps times the sum of the
// absolute products.
func TestDot(t *testing.T) {
	lengths(t, func(t *testing.T, rng *rand.Rand, n int) {
		a, b := normals(t, rng, n), normals(t, rng, n)
		h := guard.Slice[uint16](t, n)
		F32ToF16(h, b)
		var want, wantH, size float64
		for i := range a {
			want += float64(a[i]) * float64(b[i])
			wantH += float64(a[i]) * float64(num.F16ToF32(h[i]))
			size += math.Abs(float64(a[i]) * float64(b[i]))
		}
		near(t, "Dot", n, 0, Dot(a, b), want, float64(n)*eps*size)
		near(t, "DotF16", n, 0, DotF16(a, h), wantH, float64(n)*eps*size*1.001)
	})
}

func TestSumsAndProducts(t *testing.T) {
	lengths(t, func(t *testing.T, rng *rand.Rand, n int) {
		x, y := normals(t, rng, n), normals(t, rng, n)
		sum, product, scaled, axpy := clone(t, x), clone(t, x), clone(t, x), clone(t, x)
		Add(sum, y)
		Mul(product, y)
		Scale(scaled, 1.7)
		Axpy(axpy, 1.7, y)
		for i := range x {
			if sum[i] != x[i]+y[i] || product[i] != x[i]*y[i] || scaled[i] != x[i]*1.7 {
				t.Fatalf("n=%d: element %d is %v %v %v", n, i, sum[i], product[i], scaled[i])
			}
			a, p := float64(x[i]), float64(float32(1.7))*float64(y[i])
			near(t, "Axpy", n, i, axpy[i], a+p, eps*(math.Abs(p)+math.Abs(a+p))*1.001)
		}
	})
}

func TestMaxAndArgMax(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	lengths(t, func(t *testing.T, rng *rand.Rand, n int) {
		x := normals(t, rng, n)
		for i := range x {
			if rng.IntN(4) == 0 {
				x[i] = nan
			}
		}
		want, at := -inf, -1
		for i, v := range x {
			if v > want {
				want, at = v, i
			}
		}
		if got := Max(x); got != want {
			t.Fatalf("n=%d: Max = %v, want %v", n, got, want)
		}
		if got := ArgMax(x); got != at {
			t.Fatalf("n=%d: ArgMax = %v, want %v", n, got, at)
		}
	})
	f := func(want int, x ...float32) {
		t.Helper()
		if got := ArgMax(x); got != want {
			t.Errorf("ArgMax(%v) = %d, want %d", x, got, want)
		}
	}
	f(-1)
	f(-1, nan, nan)
	f(1, nan, -inf, -inf)
	f(2, 0, -1, 3, 3, nan)
	f(0, inf, inf)
}

func TestNorms(t *testing.T) {
	lengths(t, func(t *testing.T, rng *rand.Rand, n int) {
		x, w, b := normals(t, rng, n), normals(t, rng, n), normals(t, rng, n)
		got, plain, layer := clone(t, x), clone(t, x), clone(t, x)
		RMSNorm(got, got, w, 1e-5)
		RMSNorm(plain, x, nil, 1e-5)
		LayerNorm(layer, x, w, b, 1e-5)
		var mean, square, variance float64
		for _, v := range x {
			mean += float64(v) / float64(n)
			square += float64(v) * float64(v) / float64(n)
		}
		for _, v := range x {
			variance += (float64(v) - mean) * (float64(v) - mean) / float64(n)
		}
		eps5 := float64(float32(1e-5))
		for i, v := range x {
			want := float64(v) / math.Sqrt(square+eps5)
			near(t, "RMSNorm", n, i, plain[i], want, 2.01*eps*math.Abs(want))
			want *= float64(w[i])
			near(t, "RMSNorm", n, i, got[i], want, 3.01*eps*math.Abs(want))
			p := (float64(v) - mean) / math.Sqrt(variance+eps5) * float64(w[i])
			want = p + float64(b[i])
			near(t, "LayerNorm", n, i, layer[i], want, 3.01*eps*(math.Abs(p)+math.Abs(want)))
		}
	})
}

// The square sum of a long row with one huge element keeps its digits.
func TestRMSNormOfLongRows(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		x := make([]float32, 1<<16)
		for i := range x {
			x[i] = 0.001
		}
		x[0] = 1
		var square float64
		for _, v := range x {
			square += float64(v) * float64(v)
		}
		RMSNorm(x, x, nil, 0)
		want := 1 / math.Sqrt(square/float64(len(x)))
		near(t, "RMSNorm", len(x), 0, x[0], want, 1e-7*want)
	})
}

func TestSigmoidAndSwiGLU(t *testing.T) {
	lengths(t, func(t *testing.T, rng *rand.Rand, n int) {
		gate, up := normals(t, rng, n), normals(t, rng, n)
		for i := range gate {
			gate[i] *= 20
		}
		sig, glu := clone(t, gate), clone(t, gate)
		Sigmoid(sig, sig)
		SwiGLU(glu, glu, up)
		// Below about 1e-38 the exponential has overflowed and the result is 0.
		for i, g := range gate {
			want := 1 / (1 + math.Exp(-float64(g)))
			near(t, "Sigmoid", n, i, sig[i], want, 5*eps*want+1e-38)
			want *= float64(g) * float64(up[i])
			near(t, "SwiGLU", n, i, glu[i], want, 7*eps*math.Abs(want)+1e-36)
		}
	})
	cputest.Each(t, func(t *testing.T) {
		inf := float32(math.Inf(1))
		x := []float32{-inf, inf, -200, 200, 0, float32(math.NaN())}
		Sigmoid(x, x)
		if d := cmp.Diff([]float32{0, 1, 0, 1, 0.5}, x[:5]); d != "" || x[5] == x[5] {
			t.Errorf("sigmoid of odd values: %v", x)
		}
	})
}

func TestSoftmax(t *testing.T) {
	lengths(t, func(t *testing.T, rng *rand.Rand, n int) {
		x := normals(t, rng, n)
		for i := range x {
			x[i] = x[i]*10 + 500
			if rng.IntN(5) == 0 {
				x[i] = float32(math.Inf(-1))
			}
		}
		got := clone(t, x)
		Softmax(got)
		var sum float64
		for _, v := range x {
			sum += math.Exp(float64(v) - 500)
		}
		for i, v := range x {
			want := 0.0
			if sum > 0 {
				want = math.Exp(float64(v)-500) / sum
			}
			near(t, "Softmax", n, i, got[i], want, 8*eps*want)
		}
	})
}

func TestRope(t *testing.T) {
	lengths(t, func(t *testing.T, rng *rand.Rand, n int) {
		n = n / 2 * 2
		x, cs := normals(t, rng, n), guard.Slice[float32](t, n)
		for i := 0; i < n; i += 2 {
			s, c := math.Sincos(rng.Float64() * 7)
			cs[i], cs[i+1] = float32(c), float32(s)
		}
		norm, neox := clone(t, x), clone(t, x)
		RopeNorm(norm, cs)
		RopeNeox(neox, cs)
		pair := func(name string, y []float32, i, j, k int) {
			a, b, c, s := float64(x[i]), float64(x[j]), float64(cs[k]), float64(cs[k+1])
			limit := 2 * eps * (math.Abs(a) + math.Abs(b))
			near(t, name, n, i, y[i], a*c-b*s, limit)
			near(t, name, n, j, y[j], a*s+b*c, limit)
		}
		for i := range n / 2 {
			pair("RopeNorm", norm, 2*i, 2*i+1, 2*i)
			pair("RopeNeox", neox, i, n/2+i, 2*i)
		}
	})
}

// Every body converts to and from the 16-bit formats exactly as package num.
func TestConversions(t *testing.T) {
	lengths(t, func(t *testing.T, rng *rand.Rand, n int) {
		x := guard.Slice[float32](t, n)
		for i := range x {
			x[i] = math.Float32frombits(rng.Uint32())
			if rng.IntN(2) == 0 {
				x[i] = float32(rng.NormFloat64()) * float32(math.Exp2(float64(rng.IntN(40)-26)))
			}
		}
		h, b := guard.Slice[uint16](t, n), guard.Slice[uint16](t, n)
		F32ToF16(h, x)
		F32ToBF16(b, x)
		for i, v := range x {
			if h[i] != num.F32ToF16(v) || b[i] != num.F32ToBF16(v) {
				t.Fatalf("n=%d: %g (%#x) becomes %#x and %#x", n, v, math.Float32bits(v), h[i], b[i])
			}
		}
	})
	cputest.Each(t, func(t *testing.T) {
		all, h, b := make([]uint16, 1<<16), make([]float32, 1<<16), make([]float32, 1<<16)
		for i := range all {
			all[i] = uint16(i)
		}
		F16ToF32(h, all)
		BF16ToF32(b, all)
		same := func(x, y float32) bool { return x == y || x != x && y != y }
		for i := range all {
			if !same(h[i], num.F16ToF32(all[i])) || !same(b[i], num.BF16ToF32(all[i])) {
				t.Fatalf("%#x becomes %g and %g", i, h[i], b[i])
			}
		}
		for n := range 70 {
			F16ToF32(guard.Slice[float32](t, n), guard.Slice[uint16](t, n))
			BF16ToF32(guard.Slice[float32](t, n), guard.Slice[uint16](t, n))
		}
	})
}

// An element gets the same bits wherever it stands.
func TestElementsDoNotDependOnTheirPlace(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 6))
		const n = 100
		x, y, z := normals(t, rng, n), normals(t, rng, n), normals(t, rng, n)
		f := func(name string, op func(x, y, z []float32)) {
			t.Helper()
			want := clone(t, x)
			op(want, y, z)
			for at := range n {
				for _, k := range []int{1, 3, 17, 40} {
					end := min(n, at+k)
					got := clone(t, x[at:end])
					op(got, y[at:end], z[at:end])
					if d := cmp.Diff(want[at:end], got); d != "" {
						t.Fatalf("%s: elements %d to %d alone differ", name, at, end)
					}
				}
			}
		}
		f("AxpyRelu", func(x, y, _ []float32) {
			sum := make([]float64, len(x))
			AxpyRelu(sum, 0.3, y)
			for i, v := range sum {
				x[i] = float32(v)
			}
		})
		f("Axpy", func(x, y, _ []float32) { Axpy(x, 0.3, y) })
		f("Exp", func(x, _, _ []float32) { Exp(x, x) })
		f("Sigmoid", func(x, _, _ []float32) { Sigmoid(x, x) })
		f("SwiGLU", func(x, y, z []float32) { SwiGLU(x, y, z) })
	})
}

func TestLengthsMustAgree(t *testing.T) {
	a, b := make([]float32, 4), make([]float32, 3)
	f := func(name string, op func()) {
		t.Helper()
		defer func() {
			if recover() == nil {
				t.Errorf("%s: no panic", name)
			}
		}()
		op()
	}
	f("Dot", func() { Dot(a, b) })
	f("Axpy", func() { Axpy(a, 1, b) })
	f("SwiGLU", func() { SwiGLU(a, a, b) })
	f("RMSNorm", func() { RMSNorm(a, a, b, 0) })
	f("RopeNorm", func() { RopeNorm(a, b) })
	f("odd", func() { RopeNeox(b, b) })
	f("F32ToF16", func() { F32ToF16(make([]uint16, 4), b) })
}

func TestAxpyRelu(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 15, 16, 17, 64, 100} {
			x, got, want := make([]float32, n), make([]float64, n), make([]float64, n)
			for i := range x {
				x[i] = float32(math.Sin(float64(3*i))) * 7
				got[i], want[i] = float64(i)/3, float64(i)/3
				if i%11 == 5 {
					x[i] = float32(math.NaN())
				}
			}
			AxpyRelu(got, -1.3, x)
			axpyReluGo(want, -1.3, x)
			for i := range want {
				if got[i] != want[i] {
					t.Fatalf("n=%d: element %d of %v is %v, want %v", n, i, x[i], got[i], want[i])
				}
			}
		}
	})
}
