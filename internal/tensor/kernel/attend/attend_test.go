package attend

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu/cputest"
	"github.com/holdfast-llm/holdfast/internal/testutil/guard"
)

// A problem is one call with its data, rows in one piece.
type problem struct {
	Params
	q            []float32
	nq, rows     int
	limit, first []int32
	k, v         []byte
	alias        bool
}

func normals(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// newProblem makes rows of standard normal elements with pad bytes between
// them, and causal queries at the end of the sequence.
func newProblem(rng *rand.Rand, e Elem, dk, dv, nq, rows, padBytes int, alias bool) *problem {
	p := &problem{nq: nq, rows: rows, alias: alias, q: normals(rng, nq*dk)}
	p.Params = Params{Elem: e, DK: dk, DV: dv, Scale: float32(1 / math.Sqrt(float64(dk)))}
	if padBytes > 0 {
		p.KStride, p.VStride = e.RowBytes(dk)+padBytes, e.RowBytes(dv)+padBytes
	}
	p.k = fill(rng, e, dk, rows, p.kStride())
	if alias {
		p.VStride = p.kStride()
		p.v = p.k
	} else {
		p.v = fill(rng, e, dv, rows, p.vStride())
	}
	for i := range nq {
		p.limit = append(p.limit, int32(max(0, rows-nq+1+i)))
	}
	return p
}

// fill makes rows that end at a guard page, with NaNs between them.
func fill(rng *rand.Rand, e Elem, dim, n, stride int) []byte {
	b := make([]byte, max(0, (n-1)*stride+e.RowBytes(dim)))
	for i := range b {
		b[i] = 0xFF
	}
	for r := range n {
		e.Store(b[r*stride:], normals(rng, dim))
	}
	return b
}

// cut puts the rows into chunks of the given sizes, each at the end of guarded
// memory, the last size repeated.
func (p *problem) cut(t testing.TB, sizes ...int) []Chunk {
	var chunks []Chunk
	for r, i := 0, 0; r < p.rows; i++ {
		n := min(sizes[min(i, len(sizes)-1)], p.rows-r)
		c := Chunk{N: n}
		c.K = p.guarded(t, p.k, r, n, p.kStride(), p.Elem.RowBytes(p.DK))
		if p.alias {
			c.V = c.K
		} else {
			c.V = p.guarded(t, p.v, r, n, p.vStride(), p.Elem.RowBytes(p.DV))
		}
		chunks = append(chunks, c)
		r += n
	}
	return chunks
}

func (p *problem) guarded(t testing.TB, src []byte, r, n, stride, row int) []byte {
	if n == 0 {
		return nil
	}
	b := guard.Slice[byte](t, (n-1)*stride+row)
	copy(b, src[r*stride:])
	return b
}

// reference computes query i's result in float64, and the largest |V| element
// that it saw.
func (p *problem) reference(i int) (out []float64, scale float64) {
	q := make([]float32, p.DK)
	copy(q, p.q[i*p.DK:])
	lo := 0
	if p.first != nil {
		lo = int(p.first[i])
	}
	var s []float64
	top := math.Inf(-1)
	k, v := make([]float32, p.DK), make([]float32, p.DV)
	for r := lo; r < int(p.limit[i]); r++ {
		p.Elem.Load(k, p.k[r*p.kStride():])
		var dot float64
		for j := range q {
			dot += float64(q[j]) * float64(k[j])
		}
		s = append(s, dot*float64(p.Scale))
		top = max(top, s[len(s)-1])
	}
	out = make([]float64, p.DV)
	if len(s) == 0 {
		return out, 0
	}
	var sum float64
	if sink := p.sink(i); sink != nil {
		sum = math.Exp(float64(*sink) - top)
	}
	for r := range s {
		w := math.Exp(s[r] - top)
		sum += w
		p.Elem.Load(v, p.v[(lo+r)*p.vStride():])
		for j := range v {
			out[j] += w * float64(v[j])
			scale = max(scale, math.Abs(float64(v[j])))
		}
	}
	for j := range out {
		out[j] /= sum
	}
	return out, scale
}

func (p *problem) sink(i int) *float32 {
	if p.Sinks != nil {
		return &p.Sinks[i]
	}
	return p.Sink
}

// bound is the largest error of a result element, as a multiple of the largest
// value element seen. The scores have errors of a few units of 2^-24 times
// their size (up to about 6 here), which the exponential turns into relative
// errors of the weights.
const bound = 5e-7

func (p *problem) check(t *testing.T, name string, out []float32) {
	t.Helper()
	worst := 0.0
	for i := range p.nq {
		want, scale := p.reference(i)
		for j, w := range want {
			err := math.Abs(float64(out[i*p.DV+j]) - w)
			if !(err <= bound*scale) {
				t.Fatalf("%s: query %d element %d is %g, want %g (error %.3g of the largest value)",
					name, i, j, out[i*p.DV+j], w, err/scale)
			}
			if scale > 0 {
				worst = max(worst, err/scale)
			}
		}
	}
	t.Logf("%s: largest error %.2g of the largest value", name, worst)
}

func (p *problem) run(s *Scratch, chunks []Chunk) []float32 {
	out := make([]float32, p.nq*p.DV)
	for i := range out {
		out[i] = float32(math.NaN())
	}
	p.Run(s, out, p.q, p.nq, p.limit, p.first, chunks)
	return out
}

var elems = []Elem{F32, F16, BF16, Q8_0}

func TestRunAgainstFloat64(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(1, 2))
		s := NewScratch()
		f := func(dk, dv, nq, rows, padBytes int, alias bool) {
			t.Helper()
			for _, e := range elems {
				p := newProblem(rng, e, dk, dv, nq, rows, padBytes, alias)
				name := fmt.Sprintf("%v dk=%d dv=%d nq=%d rows=%d", e, dk, dv, nq, rows)
				p.check(t, name, p.run(s, p.cut(t, 32)))
			}
		}
		f(64, 64, 1, 1, 0, false)
		f(128, 128, 4, 200, 0, false)
		f(128, 128, 100, 150, 64, false)
		f(64, 64, 3, 65, 8, false)
		f(64, 96, 7, 63, 0, false)
		f(80, 112, 9, 130, 0, false)
		f(40, 24, 5, 70, 4, false)
		f(33, 17, 66, 80, 4, false)
		f(192, 128, 2, 300, 0, false)
		f(576, 512, 16, 100, 0, true)
		f(576, 512, 3, 100, 0, true)
		f(96, 64, 70, 129, 0, true)
	})
}

func TestRunOfRandomShapes(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(3, 4))
		s := NewScratch()
		for range 60 {
			e := elems[rng.IntN(len(elems))]
			dk, dv := 1+rng.IntN(150), 1+rng.IntN(150)
			if rng.IntN(2) == 0 {
				dk, dv = dk/32*32+32, dv/32*32+32
			}
			nq, rows := 1+rng.IntN(80), rng.IntN(220)
			p := newProblem(rng, e, dk, dv, nq, rows, 4*rng.IntN(3), dk >= dv && rng.IntN(3) == 0)
			p.first = make([]int32, nq)
			for i := range nq {
				p.limit[i] = int32(rng.IntN(rows + 1))
				p.first[i] = int32(rng.IntN(rows + 1))
			}
			name := fmt.Sprintf("%v dk=%d dv=%d nq=%d rows=%d", e, dk, dv, nq, rows)
			p.check(t, name, p.run(s, p.cut(t, rng.IntN(40), 1+rng.IntN(70))))
		}
	})
}

// A query alone, in any company, and over any chunks gives the same bits.
func TestResultsDependOnTheQueryAlone(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(5, 6))
		s := NewScratch()
		f := func(e Elem, dk, dv int, alias bool) {
			t.Helper()
			p := newProblem(rng, e, dk, dv, 70, 230, 0, alias)
			p.first = make([]int32, p.nq)
			for i := range p.nq / 2 { // some have windows
				p.first[2*i] = p.limit[2*i] - int32(rng.IntN(120))
			}
			want := p.run(s, p.cut(t, 32))
			for _, sizes := range [][]int{{230}, {1}, {7}, {64}, {5, 0, 100, 3}} {
				if !slices.Equal(want, p.run(s, p.cut(t, sizes...))) {
					t.Fatalf("%v: chunks of %v change the result", e, sizes)
				}
			}
			chunks := p.cut(t, 48)
			for _, nq := range []int{1, 2, 3, 7, 33} {
				for at := 0; at < p.nq; at += nq {
					n := min(nq, p.nq-at)
					out := make([]float32, n*dv)
					p.Run(s, out, p.q[at*dk:], n, p.limit[at:], p.first[at:], chunks)
					if !slices.Equal(want[at*dv:(at+n)*dv], out) {
						t.Fatalf("%v: query %d in a call of %d differs", e, at, n)
					}
				}
			}
		}
		for _, e := range elems {
			f(e, 64, 64, false)
			f(e, 128, 96, false)
			f(e, 40, 24, false)
		}
		f(F16, 576, 512, true)
		f(Q8_0, 96, 64, true)
	})
}

// What is in rows that no query of the call sees does not matter.
func TestHiddenRowsMayHoldAnything(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 8))
		for _, e := range elems {
			p := newProblem(rng, e, 64, 64, 3, 100, 0, false)
			p.limit = []int32{70, 71, 72}
			p.first = []int32{20, 21, 22}
			want := p.run(NewScratch(), p.cut(t, 100))
			for r := range p.rows {
				if r < 20 || r >= 72 {
					for _, b := range [][]byte{p.k, p.v} {
						row := b[r*p.kStride():][:p.kStride()]
						for i := range row {
							row[i] = 0xFF
						}
					}
				}
			}
			if !slices.Equal(want, p.run(NewScratch(), p.cut(t, 100))) {
				t.Fatalf("%v: hidden rows change the result", e)
			}
		}
	})
}

func TestNoVisibleRowGivesZeros(t *testing.T) {
	sink := float32(2)
	for _, s := range []*float32{nil, &sink} {
		rng := rand.New(rand.NewPCG(9, 9))
		p := newProblem(rng, F16, 64, 32, 3, 100, 0, false)
		p.Sink = s
		p.limit = []int32{0, 50, 20}
		p.first = []int32{0, 50, 30}
		if d := cmp.Diff(make([]float32, 3*32), p.run(NewScratch(), p.cut(t, 30))); d != "" {
			t.Error(d)
		}
		p.rows = 0
		p.limit, p.first = []int32{0, 0, 0}, nil
		if d := cmp.Diff(make([]float32, 3*32), p.run(NewScratch(), nil)); d != "" {
			t.Error(d)
		}
	}
}

func TestSinks(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 1))
	p := newProblem(rng, BF16, 64, 64, 4, 100, 0, false)
	for _, sink := range []float32{-30, 0, 3, 60} {
		p.Sink = &sink
		p.check(t, fmt.Sprintf("sink %v", sink), p.run(NewScratch(), p.cut(t, 32)))
	}
	p.Sinks = []float32{-5, 0, 5, 9}
	p.check(t, "a sink per query", p.run(NewScratch(), p.cut(t, 32)))
}

func TestPartsMerge(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(11, 1))
		for _, e := range elems {
			p := newProblem(rng, e, 64, 96, 70, 400, 0, false)
			p.Sinks = normals(rng, p.nq)
			p.first = make([]int32, p.nq)
			for i := range p.first {
				p.first[i] = int32(rng.IntN(300))
			}
			merge := func(chunk int) []float32 {
				parts := []*Partial{{}, {}, {}}
				for i, at := range []int{0, 2 * Step, 5 * Step} {
					end := []int{2 * Step, 5 * Step, p.rows}[i]
					sub := *p
					sub.k, sub.v, sub.rows = p.k[at*p.kStride():], p.v[at*p.vStride():], end-at
					p.RunPartial(NewScratch(), parts[i], p.q, p.nq, p.limit, p.first, sub.cut(t, chunk), at)
				}
				out := make([]float32, p.nq*p.DV)
				p.Merge(out, parts)
				return out
			}
			out := merge(32)
			p.check(t, e.String()+" merged", out)
			if !slices.Equal(out, merge(11)) {
				t.Errorf("%v: chunks change the merged result", e)
			}
		}
	})
}

func TestRoundMatchesRoundedQueries(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 1))
	for _, e := range elems {
		p := newProblem(rng, e, 64, 64, 5, 70, 0, false)
		p.Round = true
		got := p.run(NewScratch(), p.cut(t, 70))
		p.Round = false
		row := make([]byte, e.RowBytes(64))
		for i := range p.nq {
			q := p.q[i*64 : (i+1)*64]
			e.Store(row, q)
			e.Load(q, row)
		}
		if d := cmp.Diff(p.run(NewScratch(), p.cut(t, 70)), got); d != "" {
			t.Errorf("%v: %s", e, d)
		}
	}
}

func TestRunAllocatesNothing(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(13, 1))
		for _, nq := range []int{1, 70} {
			p := newProblem(rng, F16, 64, 64, nq, 200, 0, false)
			chunks, s, out, part := p.cut(t, 32), NewScratch(), make([]float32, nq*64), &Partial{}
			parts := []*Partial{part}
			n := testing.AllocsPerRun(10, func() {
				p.Run(s, out, p.q, nq, p.limit, nil, chunks)
				p.RunPartial(s, part, p.q, nq, p.limit, nil, chunks, 0)
				p.Merge(out, parts)
			})
			if n != 0 {
				t.Errorf("%d queries: %v allocations", nq, n)
			}
		}
	})
}

func TestPanics(t *testing.T) {
	rng := rand.New(rand.NewPCG(14, 1))
	f := func(name string, spoil func(p *problem, c []Chunk)) {
		t.Helper()
		p := newProblem(rng, F16, 64, 64, 2, 40, 0, false)
		chunks := p.cut(t, 40)
		spoil(p, chunks)
		defer func() {
			if recover() == nil {
				t.Errorf("%s: no panic", name)
			}
		}()
		p.run(NewScratch(), chunks)
	}
	f("limit beyond the rows", func(p *problem, _ []Chunk) { p.limit[1] = 41 })
	f("short keys", func(_ *problem, c []Chunk) { c[0].K = c[0].K[:len(c[0].K)-1] })
	f("short values", func(_ *problem, c []Chunk) { c[0].V = c[0].V[:5] })
	f("short queries", func(p *problem, _ []Chunk) { p.q = p.q[1:] })
	f("few sinks", func(p *problem, _ []Chunk) { p.Sinks = make([]float32, 1) })
	f("no dimensions", func(p *problem, _ []Chunk) { p.DV = 0 })
}
