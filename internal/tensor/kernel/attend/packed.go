package attend

import "unsafe"

// packRows is how many rows of keys are packed together.
const packRows = 16

// Packs reports whether each call packs the rows before it multiplies them, so that
// more queries a call make it cheaper.
func (p *Params) Packs() bool { return quads(p) || packs(p) }

// packs reports whether a block is packed before it is multiplied.
func packs(p *Params) bool { return p.Pack && dots(p) }

// blockPacked is block for products in pairs of packed rows.
func (s *Scratch) blockPacked(p *Params, cur cursor, i0, i1, at, r0, r1, end int) cursor {
	s.planNext(p, cur, i0, i1, r1, end)
	s.keys, s.vals = growLines(s.keys, Step*p.DK), growLines(s.vals, Step*p.DV)
	if p.Elem != BF16 || !s.packDirect(p, cur, at, r0, r1) {
		s.copyBlock(p, cur, at, r0, r1)
		for g := (r0 - at) / packRows; g*packRows < r1-at; g++ {
			s.packKeys(p, g, unsafe.Pointer(&s.kraw[g*packRows*2*p.DK]), 2*p.DK)
		}
		lo := (r0 - at) / 2
		s.packValues(p, lo, unsafe.Pointer(&s.vraw[2*lo*s.vrawStride]), s.vrawStride, (r1-at+1)/2-lo)
	}
	s.packedScores(i0, i1)
	s.weighAll(i0, i1, at, r0, r1)
	s.packedValues(p, i0, i1, (r0-at)/2, (r1-at+1)/2)
	return cur
}

// wholePacks reports whether rows r0..r1 of the block that begins at row at, and the
// chunks that hold them, begin and end at multiples of packRows.
func wholePacks(cur cursor, at, r0, r1 int) bool {
	if (r0-at)%packRows != 0 || (r1-at)%packRows != 0 {
		return false
	}
	for r := r0; r < r1; {
		_, _, n := cur.piece(r, r1)
		if n%packRows != 0 {
			return false
		}
		r += n
	}
	return true
}

// packDirect packs rows r0..r1 from the cache as it is, if chunks begin and end at
// multiples of packRows.
func (s *Scratch) packDirect(p *Params, cur cursor, at, r0, r1 int) bool {
	if !wholePacks(cur, at, r0, r1) {
		return false
	}
	for r := r0; r < r1; {
		c, off, n := cur.piece(r, r1)
		for i := 0; i < n; i += packRows {
			s.packKeys(p, (r+i-at)/packRows, unsafe.Pointer(&c.K[(off+i)*p.kStride()]), p.kStride())
		}
		s.packValues(p, (r-at)/2, unsafe.Pointer(&c.V[off*p.vStride()]), p.vStride(), n/2)
		r += n
	}
	return true
}

// growLines is grow for memory that begins at a multiple of 64 bytes.
func growLines[T byte | uint16 | float32](x []T, n int) []T {
	if cap(x) >= n {
		return x[:n]
	}
	var t T
	size := int(unsafe.Sizeof(t))
	x = make([]T, n+lineBytes/size)
	skip := int(-uintptr(unsafe.Pointer(&x[0]))%lineBytes) / size
	return x[skip : skip+n]
}
