//go:build !noasm

package attend

import (
	"unsafe"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu"
)

var useBF16 = cpu.Has("avx512bf16")

func init() { cpu.Register("avx512bf16", &useBF16) }

// dots reports whether products are computed in pairs of bf16.
func dots(p *Params) bool {
	return useBF16 && p.Fast && p.Elem == BF16 && p.DK%pairDims == 0 && p.DV%pairDims == 0
}

// weighDot is weighAVX512, but it leaves the scores and puts the weights into w
// [n][Step], rounded to bf16.
//
//go:noescape
func weighDot(x *float32, w *uint16, m, l, top, shrink *float32, n int)

//go:noescape
func scoresDotx1(q *uint16, k unsafe.Pointer, out *float32, dk, stride, rows int)

//go:noescape
func scoresDotx2(q *uint16, k unsafe.Pointer, out *float32, dk, stride, rows int)

//go:noescape
func scoresDotx4(q *uint16, k unsafe.Pointer, out *float32, dk, stride, rows int)

//go:noescape
func valuesDotx1(acc *float32, rows unsafe.Pointer, w *uint16, dv, accStride, stride, n, ahead int)

//go:noescape
func valuesDotx2(acc *float32, rows unsafe.Pointer, w *uint16, dv, accStride, stride, n, ahead int)

//go:noescape
func valuesDotx4(acc *float32, rows unsafe.Pointer, w *uint16, dv, accStride, stride, n, ahead int)

//go:noescape
func valuesDotx8(acc *float32, rows unsafe.Pointer, w *uint16, dv, accStride, stride, n, ahead int)

var (
	scoresDot = [...]func(q *uint16, k unsafe.Pointer, out *float32, dk, stride, rows int){scoresDotx1, scoresDotx2, scoresDotx4}
	valuesDot = [...]func(acc *float32, rows unsafe.Pointer, w *uint16, dv, accStride, stride, n, ahead int){
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

// scoresPairs is scores for rows of bf16 in pairs of dimensions.
func (s *Scratch) scoresPairs(i0, i1, col int, k rows) {
	for r := 0; r < k.n; r += stripRows {
		rows, data := min(stripRows, k.n-r), unsafe.Add(k.data, r*k.stride)
		for i := i0; i < i1; {
			at, n := largest(i1-i, len(scoresDot))
			scoresDot[at](&s.q16[i*s.dk], data, &s.score[i*scoreStride+col+r], s.dk, k.stride, rows)
			i += n
		}
	}
}

// valuesPairs is values for rows of bf16 in pairs of rows. The rows that come next
// are fetched ahead, a strip by one group of queries and the next by another: all
// by the first group would be more than the memory delivers meanwhile.
func (s *Scratch) valuesPairs(i0, i1, col int, v rows) {
	strips, groups := (s.dv+stripDims-1)/stripDims, (i1-i0+7)/8
	for strip := range strips {
		d := strip * stripDims
		dims, data := min(stripDims, s.dv-d), unsafe.Add(v.data, 2*d)
		if s.alias {
			s.fetchTails(v, strip, strips)
		}
		turn := strip % groups
		for i := i0; i < i1; {
			ahead := 0
			if (i-i0)/8 == turn {
				ahead = v.ahead()
			}
			at, n := largest(i1-i, len(valuesDot))
			valuesDot[at](&s.acc[i*s.dv+d], data, &s.w16[i*Step+col], dims, 4*s.dv, v.stride, v.n, ahead)
			i += n
		}
	}
}

// fetchTails fetches a strip's share of what the rows that come next have behind
// the values: the rest of the keys.
func (s *Scratch) fetchTails(v rows, strip, strips int) {
	tail, lo, hi := 2*(s.dk-s.dv)&^63, v.n*strip/strips, v.n*(strip+1)/strips
	if v.next != nil && tail > 0 && lo < hi {
		fetchRows(unsafe.Add(v.next, lo*v.stride+2*s.dv), v.stride, hi-lo, tail)
	}
}

//go:noescape
func fetchRows(p unsafe.Pointer, stride, n, bytes int)
