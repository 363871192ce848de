package attend

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu/cputest"
	"github.com/holdfast-llm/holdfast/internal/testutil/guard"
)

// guardedCopy is x at the end of guarded memory.
func guardedCopy[T byte | float32](t *testing.T, x []T) []T {
	t.Helper()
	b := guard.Slice[T](t, len(x))
	copy(b, x)
	return b
}

// aligned is n zeros at a multiple of 64 bytes that end at a guard page if n is one.
func aligned[T byte | uint16 | float32](t *testing.T, n int) []T {
	t.Helper()
	return guard.Slice[T](t, n)
}

// The bodies compute what their portable namesakes do.
func TestQuadQueries(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(41, 2))
		for _, dk := range []int{32, 64, 96, 128, 160, 192, 256, 576} {
			q := normals(rng, dk)
			if dk == 192 {
				clear(q[128:])
			}
			size := dk / blockElems * recordBytes
			got, want := guard.Slice[byte](t, size), make([]byte, size)
			queryQuads(got, guardedCopy(t, q))
			queryQuadsGo(want, q)
			if !slices.Equal(got, want) {
				t.Errorf("dk=%d: records differ", dk)
			}
		}
	}, "avx512vnni")
}

func TestQuadPacking(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(42, 2))
		for _, blocks := range []int{1, 2, 4, 5, 18} {
			for _, pad := range []int{0, 4, 36} {
				dim, stride := blocks*blockElems, blocks*blockBytes+pad
				src := guardedCopy(t, fill(rng, Q8_0, dim, packRows, stride))
				type result struct {
					Data   []byte
					Scales []float32
				}
				empty := func() result { return result{aligned[byte](t, Step*dim), aligned[float32](t, blocks*Step)} }
				got, want := empty(), empty()
				at := Step - packRows // the last rows, before the guard page
				packKeysQuads(got.Data[4*at:], got.Scales[at:], src, blocks, stride)
				packKeysQuadsGo(want.Data[4*at:], want.Scales[at:], src, blocks, stride)
				if d := cmp.Diff(want, got); d != "" {
					t.Fatalf("%d blocks, stride %d: keys: %s", blocks, stride, d)
				}
				got, want = empty(), empty()
				packValuesQuads(got.Data[blockElems*at:], got.Scales[at:], src, blocks, stride, packRows/4)
				packValuesQuadsGo(want.Data[blockElems*at:], want.Scales[at:], src, blocks, stride, packRows/4)
				if d := cmp.Diff(want, got); d != "" {
					t.Fatalf("%d blocks, stride %d: values: %s", blocks, stride, d)
				}
				clear(got.Scales)
				packValuesQuads(got.Data[blockElems*at:], nil, src, blocks, stride, packRows/4)
				if d := cmp.Diff(want.Data, got.Data); d != "" || slices.Max(got.Scales) != 0 {
					t.Fatalf("%d blocks, stride %d: values without scales: %s", blocks, stride, d)
				}
			}
		}
	}, "avx512vnni")
}

func TestQuadScales(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(43, 2))
		for _, blocks := range []int{1, 3, 4, 16} {
			scales := make([]float32, blocks*Step)
			for i := range scales {
				scales[i] = rng.Float32() * float32(math.Pow(10, rng.Float64()*3))
			}
			for b := range blocks {
				scales[b*Step+5] = 0 // a row of zeros
			}
			scales = guardedCopy(t, scales)
			type result struct {
				Row, Inv, Col []float32
				Share         []uint16
			}
			empty := func() result {
				return result{
					aligned[float32](t, Step), aligned[float32](t, Step),
					guard.Slice[float32](t, blocks), aligned[uint16](t, blocks*Step),
				}
			}
			for _, rows := range []uint64{^uint64(0), 1 << 5, 0xFFF0, 1 << 63, span(17, 42)} {
				got, want := empty(), empty()
				rowScales(got.Row, got.Inv, scales, blocks)
				rowScalesGo(want.Row, want.Inv, scales, blocks)
				shareScales(got.Share, got.Col, scales, got.Inv, rows)
				shareScalesGo(want.Share, want.Col, scales, want.Inv, rows)
				if d := cmp.Diff(want, got); d != "" {
					t.Fatalf("%d blocks, rows %x: %s", blocks, rows, d)
				}
			}
		}
	}, "avx512vnni")
}

func TestQuadWeights(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(44, 2))
		for _, n := range []int{1, 2, 7, 40} {
			p := &Params{Elem: Q8_0, DK: 32, DV: 32, Fast: true, Pack: true}
			if !quads(p) {
				t.Skip("does not multiply int8 in quads")
			}
			scratch := func() *Scratch {
				s := NewScratch()
				s.begin(p, make([]float32, n*p.DK), n, make([]int32, n), nil)
				return s
			}
			got, want := scratch(), scratch()
			for i := range n {
				got.m[i], got.l[i] = rng.Float32(), rng.Float32()
				for r := range Step {
					got.score[i*scoreStride+r] = 4 * float32(rng.NormFloat64())
				}
			}
			for r := range got.quads.row {
				got.quads.row[r] = rng.Float32()
			}
			copy(want.m, got.m)
			copy(want.l, got.l)
			copy(want.score, got.score)
			copy(want.quads.row, got.quads.row)
			got.weighQuads(0, n)
			want.weighQuadsGo(0, n)
			for i := range n {
				for r, w := range want.quads.w16[i*Step:][:Step] {
					if d := int(w) - int(got.quads.w16[i*Step+r]); d < -1 || d > 1 {
						t.Fatalf("query %d of %d: weight %d is %d, want %d", i, n, r, got.quads.w16[i*Step+r], w)
					}
				}
				for _, x := range [][2]float32{
					{got.m[i], want.m[i]}, {got.l[i], want.l[i]}, {got.shrink[i], want.shrink[i]}, {got.quads.top[i], want.quads.top[i]},
				} {
					if !(math.Abs(float64(x[0]-x[1])) <= 1e-5*math.Abs(float64(x[1]))) {
						t.Fatalf("query %d of %d: %v, want %v", i, n, x[0], x[1])
					}
				}
			}
		}
	}, "avx512vnni")
}

// near reports how many of two slices' elements differ by more than the last bit.
func near(a, b []float32) (n int) {
	for i := range a {
		if d := math.Abs(float64(a[i] - b[i])); !(d <= 2.5e-7*math.Abs(float64(b[i]))) {
			n++
		}
	}
	return n
}

func TestQuadProducts(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(45, 2))
		bytes := func(n int) []byte {
			b := aligned[byte](t, n)
			for i := range b {
				b[i] = byte(rng.Uint32())
			}
			return b
		}
		uniform := func(n int) []float32 {
			b := aligned[float32](t, n)
			for i := range b {
				b[i] = rng.Float32()
			}
			return b
		}
		words := func(n, most int) []uint16 {
			b := aligned[uint16](t, n)
			for i := range b {
				b[i] = uint16(rng.IntN(most + 1))
			}
			return b
		}
		for _, nq := range []int{1, 2, 3, 4, 5, 6, 7, 8, 16} {
			for _, blocks := range []int{1, 2, 4, 5, 7, 18} {
				p := &Params{Elem: Q8_0, DK: blocks * blockElems, DV: blocks * blockElems, Fast: true, Pack: true}
				s := NewScratch()
				limit := make([]int32, nq)
				s.begin(p, normals(rng, nq*p.DK), nq, limit, nil)
				if !s.quads.on {
					t.Skip("does not multiply int8 in quads")
				}
				k := &s.quads
				k.keys, k.vals = bytes(Step*p.DK), bytes(Step*p.DV)
				k.kscale, k.col = uniform(blocks*Step), uniform(blocks)
				k.share, k.w16 = words(blocks*Step, shareOne), words(nq*Step, weightOne)
				k.top = uniform(nq)
				s.scoresQuads(p, 0, nq)
				got, want := slices.Clone(s.score), make([]float32, Step)
				for i := range nq {
					scoresQuadsGo(want, k.q[i*blocks*recordBytes:], k.keys, k.kscale, blocks)
					if n := near(got[i*scoreStride:][:Step], want); n > 0 {
						t.Fatalf("nq=%d blocks=%d: %d scores of query %d differ", nq, blocks, n, i)
					}
				}
				acc := uniform(nq * s.dv)
				s.acc = acc
				wants := slices.Clone(acc)
				s.valuesQuads(p, 0, nq)
				for i := range nq {
					valuesQuadsGo(wants[i*s.dv:], k.vals, k.w16[i*Step:], k.share, k.col, k.top[i])
				}
				if n := near(acc, wants); n > 0 {
					t.Fatalf("nq=%d blocks=%d: %d values differ", nq, blocks, n)
				}
			}
		}
	}, "avx512vnni")
}

// quadBound is how far a result may be from exact attention over the same rows, as a
// part of the largest value: queries and weights have 8 bits.
const quadBound = 0.01

func TestQuads(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(46, 2))
		s := NewScratch()
		f := func(dk, dv, nq, rows, padBytes int, alias bool) {
			t.Helper()
			p := newProblem(rng, Q8_0, dk, dv, nq, rows, padBytes, alias)
			p.Fast, p.Pack = true, true
			if !quads(&p.Params) {
				t.Skip("does not multiply int8 in quads")
			}
			p.first = make([]int32, nq)
			for i := range nq / 3 {
				p.first[3*i] = max(0, p.limit[3*i]-int32(rng.IntN(70)))
			}
			out, worst := p.run(s, p.cut(t, 32)), 0.0
			for i := range nq {
				want, scale := p.reference(i)
				for j, w := range want {
					worst = max(worst, math.Abs(float64(out[i*dv+j])-w)/max(scale, 1))
				}
			}
			t.Logf("dk=%d dv=%d nq=%d rows=%d: largest error %.2g", dk, dv, nq, rows, worst)
			if !(worst <= quadBound) {
				t.Fatalf("dk=%d dv=%d nq=%d rows=%d: largest error %g", dk, dv, nq, rows, worst)
			}
			p.checkLaws(t, s, out)
		}
		f(64, 64, 1, 1, 0, false)
		f(128, 128, 4, 200, 0, false)
		f(128, 96, 100, 150, 64, false)
		f(32, 32, 15, 63, 4, false)
		f(192, 128, 70, 129, 0, false)
		f(96, 64, 130, 129, 0, true)
		f(576, 512, 16, 230, 36, true)
	}, "avx512vnni")
}

// checkLaws checks that out does not depend on how the rows are cut into chunks, on
// the other queries, or on what is in rows that nobody sees.
func (p *problem) checkLaws(t *testing.T, s *Scratch, out []float32) {
	t.Helper()
	for _, sizes := range [][]int{{p.rows}, {1}, {7}, {16, 48, 3}} {
		if !slices.Equal(out, p.run(s, p.cut(t, sizes...))) {
			t.Fatalf("dk=%d nq=%d rows=%d: chunks of %v change the result", p.DK, p.nq, p.rows, sizes)
		}
	}
	chunks, one := p.cut(t, 48), make([]float32, p.DV)
	for i := range p.nq {
		p.Run(s, one, p.q[i*p.DK:], 1, p.limit[i:], p.first[i:], chunks)
		if !slices.Equal(out[i*p.DV:(i+1)*p.DV], one) {
			t.Fatalf("dk=%d nq=%d rows=%d: query %d alone differs", p.DK, p.nq, p.rows, i)
		}
	}
	p.limit, p.first = p.limit[:1], p.first[:1]
	p.limit[0], p.first[0] = int32(p.rows-p.rows/3), int32(p.rows/5)
	p.Run(s, one, p.q, 1, p.limit, p.first, chunks)
	want := slices.Clone(one)
	row := 0
	for _, c := range chunks {
		for r := range c.N {
			if row < int(p.first[0]) || row >= int(p.limit[0]) {
				for i := 0; i+4 <= p.Elem.RowBytes(p.DV); i += 4 {
					binary.LittleEndian.PutUint32(c.V[r*p.vStride()+i:], 0x7FC00000)
				}
			}
			row++
		}
	}
	p.Run(s, one, p.q, 1, p.limit, p.first, chunks)
	if !slices.Equal(want, one) {
		t.Fatalf("dk=%d rows=%d: hidden rows change the result", p.DK, p.rows)
	}
}

// A row of small values and a large weight, as of a first token, keeps its part.
func TestQuadsKeepSmallValues(t *testing.T) {
	cputest.Each(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(47, 2))
		p := newProblem(rng, Q8_0, 128, 128, 1, 64, 0, false)
		p.Fast, p.Pack = true, true
		if !quads(&p.Params) {
			t.Skip("does not multiply int8 in quads")
		}
		k, v := make([]float32, 128), normals(rng, 128)
		for i := range v {
			k[i], v[i] = p.q[i]*0.8, v[i]*0.02
		}
		Q8_0.Store(p.k, k)
		Q8_0.Store(p.v, v)
		out := p.run(NewScratch(), p.cut(t, 64))
		want, _ := p.reference(0)
		var wrong, all float64
		for j, w := range want {
			wrong += (float64(out[j]) - w) * (float64(out[j]) - w)
			all += w * w
		}
		if e := math.Sqrt(wrong / all); !(e < 0.02) {
			t.Errorf("relative error %g", e)
		}
	}, "avx512vnni")
}

// Nothing is allocated once the scratch has grown.
func TestQuadsAllocateNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(48, 2))
	p := newProblem(rng, Q8_0, 576, 512, 16, 200, 0, true)
	p.Fast, p.Pack = true, true
	chunks, s, out := p.cut(t, 24), NewScratch(), make([]float32, 16*512)
	if n := testing.AllocsPerRun(5, func() { p.Run(s, out, p.q, p.nq, p.limit, nil, chunks) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
