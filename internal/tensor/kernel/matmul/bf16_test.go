package matmul

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu/cputest"
	"github.com/holdfast-llm/holdfast/internal/tensor/num"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// TestBF16ActivationsAgainstFloat64 holds products with BF16 activations to the
// bound of a float32 sum of the rounded activations, and the rounding to 2^-8.
func TestBF16ActivationsAgainstFloat64(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(11, 12))
		s := NewScratch()
		for _, cols := range []int{1, 2, 3, 7, 33, 64, 511, 513, 576, 1100, 2048} {
			for _, n := range []int{1, 2, 3, 4, 7, 8, 12, 13, 25} {
				rows := 1 + rng.IntN(40)
				src := randomRows(rng, quant.BF16, rows, cols)
				packed, raw := pair(t, quant.BF16, rows, cols, src)
				w := dequantized(t, quant.BF16, rows, cols, src)
				a := NewActs(n, cols)
				xs := make([][]float32, n)
				for i := range n {
					xs[i] = randomFloats(rng, cols)
					a.Set(BF16, i, xs[i])
				}
				got, same := guarded[float32](t, n*rows), make([]float32, n*rows)
				Mul(got, rows, packed, 0, packed.Groups(), a, BF16, nil, n, s)
				Mul(same, rows, raw, 0, raw.Groups(), a, BF16, nil, n, s)
				if i := sameBits(got, same); i >= 0 {
					t.Fatalf("%dx%d n=%d: value %d: packed %v, raw %v", rows, cols, n, i, got[i], same[i])
				}
				for i := range got {
					x := a.value(BF16, i/rows, cols)
					want, mag := product(w[i%rows], x)
					if err := math.Abs(float64(got[i]) - want); err > bound(cols, mag) {
						t.Fatalf("%dx%d n=%d: value %d: got %v, want %v", rows, cols, n, i, got[i], want)
					}
					whole, mag := product(w[i%rows], xs[i/rows])
					if err := math.Abs(float64(got[i]) - whole); err > mag/256+bound(cols, mag) {
						t.Fatalf("%dx%d n=%d: value %d: got %v, with float32 activations %v", rows, cols, n, i, got[i], whole)
					}
				}
			}
		}
	})
}

// TestBF16ActivationsAreBatchInvariant computes rows alone and in other companies
// than all of them, in tiles and chunks of several sizes.
func TestBF16ActivationsAreBatchInvariant(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(13, 14))
		s := NewScratch()
		const rows, cols, n = 277, 1100, 70
		m, _ := pair(t, quant.BF16, rows, cols, randomRows(rng, quant.BF16, rows, cols))
		a := NewActs(n, cols)
		for i := range n {
			a.Set(BF16, i, randomFloats(rng, cols))
		}
		all := make([]float32, n*rows)
		Mul(all, rows, m, 0, m.Groups(), a, BF16, nil, n, s)
		for _, cnt := range []int{1, 2, 7, 16, 17, 31, 33, 64} {
			list := make([]int32, cnt)
			for i := range list {
				list[i] = int32(rng.IntN(n))
			}
			got := make([]float32, cnt*rows)
			for g := 0; g < m.Groups(); g += 3 {
				Mul(got, rows, m, g, min(g+3, m.Groups()), a, BF16, list, cnt, s)
			}
			for i, r := range list {
				if o := sameBits(got[i*rows:][:rows], all[int(r)*rows:][:rows]); o >= 0 {
					t.Fatalf("row %d output %d among %d: %v, in all %v", r, o, cnt, got[i*rows+o], all[int(r)*rows+o])
				}
			}
		}
	})
}

func TestSetBF16RoundsToTheNearest(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(15, 16))
		for _, n := range []int{1, 15, 16, 17, 100} {
			x := guarded[float32](t, n)
			copy(x, randomFloats(rng, n))
			x[0] = 1 + 1.0/256 // a tie
			a := NewActs(1, n)
			a.Set(BF16, 0, x)
			for c, v := range a.value(BF16, 0, n) {
				if want := num.BF16ToF32(num.F32ToBF16(x[c])); v != want {
					t.Fatalf("column %d of %d: %v became %v, want %v", c, n, x[c], v, want)
				}
			}
		}
	})
}

// BenchmarkBF16 multiplies BF16 weights with both kinds of activations.
func BenchmarkBF16(b *testing.B) {
	const rows, cols = 512, 1536
	for _, k := range []Kind{F32, BF16} {
		for _, n := range []int{1, 8, 504} {
			b.Run(fmt.Sprintf("kind=%s/n=%d", k, n), func(b *testing.B) {
				m := benchMatrix(b, quant.BF16, rows, cols)
				rng := rand.New(rand.NewPCG(1, 1))
				a, s := NewActs(n, cols), NewScratch()
				for i := range n {
					a.Set(k, i, randomFloats(rng, cols))
				}
				dst := make([]float32, n*rows)
				for b.Loop() {
					Mul(dst, rows, m, 0, m.Groups(), a, k, nil, n, s)
				}
				perRun := float64(b.Elapsed()) / float64(b.N)
				b.ReportMetric(2*rows*cols*float64(n)/perRun, "GFLOPS")
				b.ReportMetric(float64(m.Bytes())/perRun, "GB/s")
			})
		}
	}
}
