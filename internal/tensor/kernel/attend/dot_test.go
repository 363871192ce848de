package attend

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu/cputest"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/vec"
)

// roundedQueries replaces p's queries by those that Fast multiplies: rounded
// after they were scaled.
func (p *problem) roundedQueries() *problem {
	c := *p
	c.q = slices.Clone(p.q)
	vec.Scale(c.q, p.Scale)
	h := make([]uint16, len(c.q))
	vec.F32ToBF16(h, c.q)
	vec.BF16ToF32(c.q, h)
	c.Scale, c.Fast = 1, false
	return &c
}

// Weights are rounded by at most 2^-9 of their size, and errors of opposite
// signs cancel.
const fastBound = 0.0015

func TestFastAgainstFloat64(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(21, 2))
		s := NewScratch()
		f := func(dk, dv, nq, rows, padBytes int, alias bool) {
			t.Helper()
			p := newProblem(rng, BF16, dk, dv, nq, rows, padBytes, alias)
			p.Fast = true
			exact, worst := p.roundedQueries(), 0.0
			out := p.run(s, p.cut(t, 32))
			for i := range nq {
				want, scale := exact.reference(i)
				for j, w := range want {
					err := math.Abs(float64(out[i*dv+j])-w) / max(scale, 1)
					if !(err <= fastBound) {
						t.Fatalf("dk=%d dv=%d nq=%d rows=%d: query %d element %d is %g, want %g", dk, dv, nq, rows, i, j, out[i*dv+j], w)
					}
					worst = max(worst, err)
				}
			}
			t.Logf("dk=%d dv=%d nq=%d rows=%d: largest error %.2g", dk, dv, nq, rows, worst)
		}
		f(64, 64, 1, 1, 0, false)
		f(128, 128, 4, 200, 0, false)
		f(128, 96, 100, 150, 64, false)
		f(32, 32, 15, 63, 4, false)
		f(40, 24, 5, 70, 4, false) // no pairs
		f(576, 512, 16, 101, 0, true)
		f(96, 64, 130, 129, 0, true)
	})
}

// The same laws hold as without Fast, bit by bit.
func TestFastResultsDependOnTheQueryAlone(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(25, 6))
		s := NewScratch()
		for _, alias := range []bool{false, true} {
			p := newProblem(rng, BF16, 96, 64, 150, 230, 0, alias)
			p.Fast = true
			p.first = make([]int32, p.nq)
			for i := range p.nq / 2 {
				p.first[2*i] = p.limit[2*i] - int32(rng.IntN(60))
			}
			want := p.run(s, p.cut(t, 64))
			for _, sizes := range [][]int{{230}, {1}, {7}, {5, 0, 100, 3}} {
				if !slices.Equal(want, p.run(s, p.cut(t, sizes...))) {
					t.Fatalf("chunks of %v change the result", sizes)
				}
			}
			chunks := p.cut(t, 48)
			for _, nq := range []int{1, 2, 3, 7, 33} {
				for at := 0; at < p.nq; at += nq {
					n := min(nq, p.nq-at)
					out := make([]float32, n*p.DV)
					p.Run(s, out, p.q[at*p.DK:], n, p.limit[at:], p.first[at:], chunks)
					if !slices.Equal(want[at*p.DV:(at+n)*p.DV], out) {
						t.Fatalf("query %d in a call of %d differs", at, n)
					}
				}
			}
		}
	})
}

// Fast changes nothing for other element types, allocates nothing, and parts
// merge.
func TestFastElsewhere(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(26, 6))
		for _, e := range elems {
			p := newProblem(rng, e, 64, 64, 9, 200, 0, false)
			chunks, s, out := p.cut(t, 24), NewScratch(), make([]float32, 9*64)
			slow := p.run(s, chunks)
			p.Fast = true
			if fast := p.run(s, chunks); slices.Equal(slow, fast) != (e != BF16) {
				t.Errorf("%v: Fast gives the same: %v", e, e == BF16)
			}
			if n := testing.AllocsPerRun(5, func() { p.Run(s, out, p.q, p.nq, p.limit, nil, chunks) }); n != 0 {
				t.Errorf("%v: %v allocations", e, n)
			}
			if e == BF16 {
				a, b := &Partial{}, &Partial{}
				whole := p.run(s, []Chunk{{K: p.k, V: p.v, N: 200}})
				p.RunPartial(s, a, p.q, p.nq, p.limit, nil, []Chunk{{K: p.k, V: p.v, N: 128}}, 0)
				p.RunPartial(s, b, p.q, p.nq, p.limit, nil, []Chunk{{K: p.k[128*128:], V: p.v[128*128:], N: 72}}, 128)
				p.Merge(out, []*Partial{a, b})
				for i := range out {
					if math.Abs(float64(out[i]-whole[i])) > 0.01 {
						t.Fatalf("merged element %d is %v, want %v", i, out[i], whole[i])
					}
				}
			}
		}
	})
}

// rounded replaces p's rows by those that Pack multiplies, in bf16.
func (p *problem) rounded() *problem {
	c := *p.roundedQueries()
	c.Elem, c.KStride, c.VStride = BF16, 2*p.DK, 2*p.DV
	narrow := func(src []byte, dim, stride int) []byte {
		x, dst := make([]float32, dim), make([]byte, 2*dim*p.rows)
		for r := range p.rows {
			p.Elem.Load(x, src[r*stride:])
			BF16.Store(dst[2*dim*r:], x)
		}
		return dst
	}
	c.k, c.v = narrow(p.k, p.DK, p.kStride()), narrow(p.v, p.DV, p.vStride())
	return &c
}

// Packed rows, and rows of Q8_0 that are only converted, are within the bound of Fast, and a result depends on
// its query and the rows alone, bit by bit.
func TestPack(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		if !dots(&Params{Elem: Q8_0, DK: 64, DV: 64, Fast: true, Pack: true}) {
			t.Skip("does not multiply bf16 in pairs")
		}
		rng := rand.New(rand.NewPCG(31, 2))
		s := NewScratch()
		f := func(e Elem, dk, dv, nq, rows, padBytes int, alias bool) {
			t.Helper()
			p := newProblem(rng, e, dk, dv, nq, rows, padBytes, alias)
			p.Fast, p.Pack = true, dk <= 256 || nq > 100
			p.first = make([]int32, nq)
			for i := range nq / 3 {
				p.first[3*i] = max(0, p.limit[3*i]-int32(rng.IntN(70)))
			}
			out := p.run(s, p.cut(t, 32))
			exact := p.rounded()
			for i := range nq {
				want, scale := exact.reference(i)
				for j, w := range want {
					if err := math.Abs(float64(out[i*dv+j])-w) / max(scale, 1); !(err <= fastBound) {
						t.Fatalf("%v dk=%d dv=%d nq=%d rows=%d: query %d element %d is %g, want %g", e, dk, dv, nq, rows, i, j, out[i*dv+j], w)
					}
				}
			}
			for _, sizes := range [][]int{{rows}, {1}, {7}, {16, 48, 3}} {
				if !slices.Equal(out, p.run(s, p.cut(t, sizes...))) {
					t.Fatalf("%v dk=%d dv=%d nq=%d rows=%d: chunks of %v change the result", e, dk, dv, nq, rows, sizes)
				}
			}
			chunks, one := p.cut(t, 48), make([]float32, dv)
			for i := range nq {
				p.Run(s, one, p.q[i*dk:], 1, p.limit[i:], p.first[i:], chunks)
				if !slices.Equal(out[i*dv:(i+1)*dv], one) {
					t.Fatalf("%v dk=%d dv=%d nq=%d rows=%d: query %d alone differs", e, dk, dv, nq, rows, i)
				}
			}
		}
		for _, e := range []Elem{BF16, Q8_0} {
			f(e, 64, 64, 1, 1, 0, false)
			f(e, 128, 128, 4, 200, 0, false)
			f(e, 128, 96, 100, 150, 64, false)
			f(e, 32, 32, 15, 63, 4, false)
			f(e, 192, 128, 70, 129, 0, false)
			f(e, 256, 160, 11, 131, 0, false)
			f(e, 96, 64, 130, 129, 0, true)
		}

		f(BF16, 576, 512, 129, 130, 0, true)
		f(Q8_0, 576, 512, 17, 130, 36, true)
	})
}

func BenchmarkFastLatent(b *testing.B) {
	for _, nq := range []int{16, 128} {
		for _, c := range []bench{{elem: BF16}, {elem: BF16, fast: true}, {elem: Q8_0, fast: true}, {elem: Q8_0, fast: true, pack: true}} {
			b.Run(fmt.Sprintf("type=%v/fast=%v/pack=%v/dk=576/dv=512/nq=%d/rows=4096", c.elem, c.fast, c.pack, nq), func(b *testing.B) {
				c.dk, c.dv, c.nq, c.rows, c.alias = 576, 512, nq, 4096, true
				c.time(b)
			})
		}
	}
}

// BenchmarkFastPrefill is a long prompt's attention, a group of six heads.
func BenchmarkFastPrefill(b *testing.B) {
	for _, rows := range []int{512, 8192} {
		for _, e := range elems[1:] {
			b.Run(fmt.Sprintf("type=%v/d=128/tokens=512/heads=6/rows=%d", e, rows), func(b *testing.B) {
				(&bench{elem: e, dk: 128, dv: 128, nq: 6 * 512, rows: rows, fast: true, pack: true}).time(b)
			})
		}
	}
}

// What is in rows that no query of the call sees does not matter here either.
func TestFastHiddenRowsMayHoldAnything(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(27, 8))
		for _, alias := range []bool{false, true} {
			p := newProblem(rng, BF16, 96, 64, 3, 140, 0, alias)
			p.Fast = true
			p.limit, p.first = []int32{70, 71, 90}, []int32{21, 21, 22}
			want := p.run(NewScratch(), p.cut(t, 50))
			for r := range p.rows {
				if r < 21 || r >= 90 {
					for _, b := range [][]byte{p.k[r*p.kStride():][:2*p.DK], p.v[r*p.vStride():][:2*p.DV]} {
						for i := range b {
							b[i] = 0xFF
						}
					}
				}
			}
			for _, size := range []int{50, 7} {
				if !slices.Equal(want, p.run(NewScratch(), p.cut(t, size))) {
					t.Fatalf("alias %v, chunks of %d: hidden rows change the result", alias, size)
				}
			}
		}
	})
}
