package attend

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu/cputest"
)

// TestDots: products are right, and the same in any company.
func TestDots(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(31, 2))
		s := NewScratch()
		for _, e := range elems {
			for _, dk := range []int{24, 128} {
				for _, fast := range []bool{false, true} {
					const nq, n = 70, 37
					p := newProblem(rng, e, dk, dk, nq, n, 0, false)
					p.Fast, p.Scale = fast, 1
					bound := 1e-5 * float64(dk)
					if fast {
						bound = 0.05 * math.Sqrt(float64(dk)) // queries are rounded
					}
					p.DV = dk
					keys := p.cut(t, n)[0].K
					s.SetQueries(&p.Params, p.q, nq)
					s.Dots(&p.Params, keys, n)
					var all [][]float32
					key := make([]float32, dk)
					for i := range nq {
						all = append(all, slices.Clone(s.Dot(i, n)))
						for r := range n {
							e.Load(key, p.k[r*p.kStride():])
							want := 0.0
							for j, x := range key {
								want += float64(x) * float64(p.q[i*dk+j])
							}
							if got := float64(all[i][r]); math.Abs(got-want) > bound {
								t.Fatalf("%v dk=%d: query %d key %d: %v, want %v", e, dk, i, r, got, want)
							}
						}
					}
					for _, i := range []int{0, 3, 69} {
						s.SetQueries(&p.Params, p.q[i*dk:], 1)
						for r := range n {
							s.Dots(&p.Params, keys[r*p.kStride():], 1)
							if got := s.Dot(0, 1)[0]; got != all[i][r] {
								t.Fatalf("%v dk=%d: query %d key %d alone: %v, with others %v", e, dk, i, r, got, all[i][r])
							}
						}
					}
				}
			}
		}
	})
}
