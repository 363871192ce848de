//go:build !noasm

package attend

import (
	"unsafe"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu"
)

var useBF16 = cpu.Has("avx512bf16")

func init() { cpu.Register("avx512bf16", &useBF16) }

// shortDims is the largest number of dimensions for which it does not pay to
// convert keys of Q8_0 for a few queries.
const shortDims = 256

// dots reports whether products are computed in pairs of bf16.
func dots(p *Params) bool {
	switch p.Elem {
	case F32, F16: // more precise than bf16
		return false
	case Q8_0: // converting pays for long rows, as of latents, or many queries
		if !p.Pack && p.DK <= shortDims {
			return false
		}
	}
	return (useBF16 || useAMX) && p.Fast && p.DK%pairDims == 0 && p.DV%pairDims == 0
}

// weighDot is weighAVX512, but it leaves the scores and puts the weights into w
// [n][Step], rounded to bf16.
//
//go:noescape
func weighDot(x *float32, w *uint16, m, l, top, shrink *float32, n int)

// Each scoresDot stub is scoresGo for 1, 2 or 4 queries, each valuesDot stub is
// valuesGo for up to 8, with products in pairs. At each step, four rows of keys or
// a pair of values, they fetch lines lines from from on.

//go:noescape
func scoresDotx1(q *uint16, k unsafe.Pointer, out *float32, dk, stride, rows int, from uintptr, lines int)

//go:noescape
func scoresDotx2(q *uint16, k unsafe.Pointer, out *float32, dk, stride, rows int, from uintptr, lines int)

//go:noescape
func scoresDotx4(q *uint16, k unsafe.Pointer, out *float32, dk, stride, rows int, from uintptr, lines int)

//go:noescape
func valuesDotx1(acc *float32, rows unsafe.Pointer, w *uint16, dv, accStride, stride, n int, from uintptr, lines int)

//go:noescape
func valuesDotx2(acc *float32, rows unsafe.Pointer, w *uint16, dv, accStride, stride, n int, from uintptr, lines int)

//go:noescape
func valuesDotx4(acc *float32, rows unsafe.Pointer, w *uint16, dv, accStride, stride, n int, from uintptr, lines int)

//go:noescape
func valuesDotx8(acc *float32, rows unsafe.Pointer, w *uint16, dv, accStride, stride, n int, from uintptr, lines int)

var (
	scoresDot = [...]func(q *uint16, k unsafe.Pointer, out *float32, dk, stride, rows int, from uintptr, lines int){scoresDotx1, scoresDotx2, scoresDotx4}
	valuesDot = [...]func(acc *float32, rows unsafe.Pointer, w *uint16, dv, accStride, stride, n int, from uintptr, lines int){
		valuesDotx1, valuesDotx2, valuesDotx4, valuesDotx8,
	}
)

// largest returns the place in a table of bodies for 1, 2, 4, ... queries of the
// one for the most that n are enough for, and that number.
func largest(n, bodies int) (at, queries int) {
	for at+1 < bodies && n >= 2<<at {
		at++
	}
	return at, 1 << at
}

const (
	// stripRows is how many keys meet all queries before the next ones: they
	// stay in the first-level cache.
	stripRows = 16
	// stripDims is the same for the dimensions of values.
	stripDims = 64
)

// plan begins to fetch rows r0 <= r < r1 while nq queries meet n rows. Where
// there are enough queries, the values' body alone fetches, whose steps are short;
// scores take a tile of queries and rows at a step.
func (s *Scratch) plan(p *Params, cur cursor, r0, r1, nq, n int) {
	const easy = 2 // lines for a step of the values' body
	keys, values := nq*n*s.dk/pairDims, nq*n*s.dv/pairDims
	s.fetch.plan(p, cur, r0, r1, s.alias, keys+values)
	steps := 0
	for nq > 0 {
		at, q := largest(nq, len(valuesDot))
		steps += valueSteps(at, s.dv, n)
		nq -= q
	}
	if s.fetch.rest <= easy*steps {
		s.fetch.idle, s.fetch.work = keys, values
	}
}

// valueSteps is how many steps the body for 1<<at queries makes with n rows.
func valueSteps(at, dims, n int) int {
	strip := [...]int{pairDims, pairDims, 2 * pairDims, pairDims}[at]
	return max(1, (dims+strip-1)/strip*(n/2))
}

// scoresPairs is scores for rows of bf16 in pairs of dimensions.
func (s *Scratch) scoresPairs(i0, i1, col int, k rows) {
	for r := 0; r < k.n; r += stripRows {
		rows, data := min(stripRows, k.n-r), unsafe.Add(k.data, r*k.stride)
		for i := i0; i < i1; {
			at, n := largest(i1-i, len(scoresDot))
			from, lines := s.fetch.take((rows+3)/4, n*rows*s.dk/pairDims)
			scoresDot[at](&s.q16[i*s.dk], data, &s.score[i*scoreStride+col+r], s.dk, k.stride, rows, from, lines)
			i += n
		}
	}
}

// valuesPairs is values for rows of bf16 in pairs of rows.
func (s *Scratch) valuesPairs(i0, i1, col int, v rows) {
	for d := 0; d < s.dv; d += stripDims {
		dims, data := min(stripDims, s.dv-d), unsafe.Add(v.data, 2*d)
		for i := i0; i < i1; {
			at, n := largest(i1-i, len(valuesDot))
			from, lines := s.fetch.take(valueSteps(at, dims, v.n), n*v.n*dims/pairDims)
			valuesDot[at](&s.acc[i*s.dv+d], data, &s.w16[i*Step+col], dims, 4*s.dv, v.stride, v.n, from, lines)
			i += n
		}
	}
}
