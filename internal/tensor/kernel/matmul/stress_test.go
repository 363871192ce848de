package matmul

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu/cputest"
	"github.com/holdfast-llm/holdfast/internal/machine/par"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// TestKernelsSurviveCollections multiplies on a team while another goroutine
// forces collections, which stop and preempt the workers over and over. Every
// result must have the bits of the first.
func TestKernelsSurviveCollections(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(21, 22))
		stop, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			for {
				select {
				case <-stop:
					return
				default:
					runtime.GC()
					_ = make([]byte, 1<<20)
				}
			}
		}()
		defer func() { close(stop); <-done }()
		team := par.New(2)
		defer team.Close()
		for _, typ := range []quant.Type{quant.Q4_K, quant.Q8_0, quant.IQ2_S, quant.BF16} {
			stress(t, rng, team, typ)
		}
	})
}

func stress(t *testing.T, rng *rand.Rand, team *par.Team, typ quant.Type) {
	t.Helper()
	const rows, cols, n = 256, 768, 13
	m, _ := pair(t, typ, rows, cols, randomRows(rng, typ, rows, cols))
	k := m.Kind(false)
	x := randomFloats(rng, n*cols)
	ss := []*Scratch{NewScratch(), NewScratch()}
	var want []float32
	for end := time.Now().Add(100 * time.Millisecond); time.Now().Before(end) || want == nil; {
		a := NewActs(n, cols)
		got := make([]float32, n*rows)
		team.Run(func(w int) {
			lo, hi := par.Split(n, 1, w, team.Size())
			for i := lo; i < hi; i++ {
				a.Set(k, i, x[i*cols:][:cols])
			}
			team.Barrier(w)
			lo, hi = par.Split(m.Groups(), 1, w, team.Size())
			Mul(got, rows, m, lo, hi, a, k, nil, n, ss[w])
		})
		if want == nil {
			want = got
		}
		if i := sameBits(got, want); i >= 0 {
			t.Errorf("%s: value %d: got %v, at first %v", typ, i, got[i], want[i])
			return
		}
	}
}

// TestMulAllocatesNothing holds for every call after the first.
func TestMulAllocatesNothing(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(23, 24))
		for _, typ := range []quant.Type{quant.Q4_K, quant.Q8_0, quant.IQ2_S, quant.IQ1_S, quant.TQ1_0, quant.NVFP4, quant.F16, quant.BF16} {
			const rows, cols, n = 48, 512, 9
			packed, raw := pair(t, typ, rows, cols, randomRows(rng, typ, rows, cols))
			x, dst, s := randomFloats(rng, cols), make([]float32, n*rows), NewScratch()
			a := NewActs(n, cols)
			for _, m := range []*Matrix{packed, raw} {
				for _, k := range []Kind{m.Kind(false), F32} {
					got := testing.AllocsPerRun(3, func() {
						for i := range n {
							a.Set(k, i, x)
						}
						Mul(dst, rows, m, 0, m.Groups(), a, k, nil, n, s)
					})
					if got > 0 {
						t.Errorf("%s with %s activations: %v allocations", typ, k, got)
					}
				}
			}
		}
	})
}
