//go:build !noasm

package attend

import "unsafe"

// narrowQ8 converts n rows of dims elements of Q8_0, a multiple of 32, stride bytes
// apart, to rows of bf16 that touch.
//
//go:noescape
func narrowQ8(dst, src unsafe.Pointer, dims, stride, n int)

// packKeys packs 16 rows of dims elements of bf16, a multiple of 32: for each pair
// of elements those of all rows.
//
//go:noescape
func packKeys(dst, src unsafe.Pointer, dims, stride int)

// packValues packs pairs of rows of dims elements of bf16, a multiple of 32: for
// each element those of both rows.
//
//go:noescape
func packValues(dst, src unsafe.Pointer, dims, stride, pairs int)

// Each packedScores stub sets the scores of some queries [dk] and the 64 packed keys
// of a block. At each pair of dimensions it fetches lines lines from from on.

//go:noescape
func packedScoresx1(q *uint16, keys unsafe.Pointer, out *float32, dk int, from uintptr, lines int)

//go:noescape
func packedScoresx2(q *uint16, keys unsafe.Pointer, out *float32, dk int, from uintptr, lines int)

//go:noescape
func packedScoresx4(q *uint16, keys unsafe.Pointer, out *float32, dk int, from uintptr, lines int)

//go:noescape
func packedScoresx6(q *uint16, keys unsafe.Pointer, out *float32, dk int, from uintptr, lines int)

// Each packedValues stub adds some pairs of packed rows of dv elements, weighted by
// w [queries][Step], to the accumulators of some queries. At each pair of rows and
// strip of 64 dimensions it fetches lines lines from from on.

//go:noescape
func packedValuesx1(acc *float32, values unsafe.Pointer, w *uint16, dv, accStride, pairs int, from uintptr, lines int)

//go:noescape
func packedValuesx2(acc *float32, values unsafe.Pointer, w *uint16, dv, accStride, pairs int, from uintptr, lines int)

//go:noescape
func packedValuesx4(acc *float32, values unsafe.Pointer, w *uint16, dv, accStride, pairs int, from uintptr, lines int)

//go:noescape
func packedValuesx6(acc *float32, values unsafe.Pointer, w *uint16, dv, accStride, pairs int, from uintptr, lines int)

// The bodies by number of queries.
var (
	packedScores = [...]func(q *uint16, keys unsafe.Pointer, out *float32, dk int, from uintptr, lines int){
		1: packedScoresx1, 2: packedScoresx2, 4: packedScoresx4, 6: packedScoresx6,
	}
	packedValues = [...]func(acc *float32, values unsafe.Pointer, w *uint16, dv, accStride, pairs int, from uintptr, lines int){
		1: packedValuesx1, 2: packedValuesx2, 4: packedValuesx4, 6: packedValuesx6,
	}
)

// together is how many of n queries the packed bodies take at a time.
func together(n int) int {
	switch {
	case n >= 6 && n != 8:
		return 6
	case n >= 4:
		return 4
	default:
		return min(n, 2)
	}
}

// narrow converts n rows of dim elements of BF16 or Q8_0, stride bytes apart, to
// rows of bf16 that touch.
func narrow(e Elem, dst, src []byte, dim, stride, n int) {
	_, _ = dst[2*dim*n-1], src[(n-1)*stride+e.RowBytes(dim)-1]
	if e == Q8_0 {
		narrowQ8(unsafe.Pointer(&dst[0]), unsafe.Pointer(&src[0]), dim, stride, n)
		return
	}
	for i := range n {
		copy(dst[2*dim*i:][:2*dim], src[stride*i:])
	}
}

// packKeys packs group g of a block's keys.
func (s *Scratch) packKeys(p *Params, g int, src unsafe.Pointer, stride int) {
	packKeys(unsafe.Pointer(&s.keys[g*packRows*p.DK]), src, p.DK, stride)
}

// packValues packs some pairs of a block's values, from pair at on.
func (s *Scratch) packValues(p *Params, at int, src unsafe.Pointer, stride, pairs int) {
	packValues(unsafe.Pointer(&s.vals[2*at*p.DV]), src, p.DV, stride, pairs)
}

// planPacked begins to fetch rows r0 <= r < r1 while nq queries meet a block.
func (s *Scratch) planPacked(p *Params, cur cursor, r0, r1, nq int) {
	s.fetch.plan(p, cur, r0, r1, s.alias, nq*(p.DK+p.DV))
}

// packedScores sets the scores of queries i0..i1 and all rows of the packed block.
func (s *Scratch) packedScores(i0, i1 int) {
	for i := i0; i < i1; {
		n := together(i1 - i)
		from, lines := s.fetch.take(s.dk/2, n*s.dk)
		packedScores[n](&s.q16[i*s.dk], unsafe.Pointer(&s.keys[0]), &s.score[i*scoreStride], s.dk, from, lines)
		i += n
	}
}

// packedValues adds the pairs lo..hi of the packed block's rows to the accumulators
// of queries i0..i1.
func (s *Scratch) packedValues(p *Params, i0, i1, lo, hi int) {
	for i := i0; i < i1; {
		n := together(i1 - i)
		from, lines := s.fetch.take((p.DV+63)/64*(hi-lo), n*p.DV)
		packedValues[n](&s.acc[i*s.dv], unsafe.Pointer(&s.vals[2*lo*p.DV]), &s.w16[i*Step+2*lo], p.DV, 4*s.dv, hi-lo, from, lines)
		i += n
	}
}
