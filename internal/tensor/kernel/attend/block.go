package attend

import "unsafe"

// A cursor walks over the rows of chunks, forwards.
type cursor struct {
	chunks []Chunk // the current one first
	row    int     // absolute number of the current chunk's first row
}

// piece returns the rows from r on that lie in one chunk, at most up to row r1:
// n rows from row off of chunk c.
func (cur *cursor) piece(r, r1 int) (c *Chunk, off, n int) {
	for r >= cur.row+cur.chunks[0].N {
		cur.row += cur.chunks[0].N
		cur.chunks = cur.chunks[1:]
	}
	c = &cur.chunks[0]
	return c, r - cur.row, min(r1, cur.row+c.N) - r
}

// rows is a piece of a matrix in memory, as the bodies of the products take it.
type rows struct {
	elem   Elem
	data   unsafe.Pointer
	stride int // bytes
	n      int
	next   unsafe.Pointer // rows that will be wanted after these, or nil
}

// block takes the tile over rows r0 <= r < r1 of the block that begins at row
// at, whose successor ends at row end or earlier. cur is at or before r0; what
// is returned is where the next block may start to look.
func (s *Scratch) block(p *Params, cur cursor, at, r0, r1, end int) cursor {
	i0, i1 := s.active(r0, r1)
	if i0 == i1 {
		return cur
	}
	switch {
	case s.tiles.on:
		return s.blockTiles(p, cur, i0, i1, at, r0, r1)
	case s.quads.on:
		return s.blockQuads(p, cur, i0, i1, at, r0, r1, end)
	case s.packed:
		return s.blockPacked(p, cur, i0, i1, at, r0, r1, end)
	case s.pairs && (p.Elem != BF16 || !whole(cur, r0, r1)):
		return s.blockPairs(p, cur, i0, i1, at, r0, r1, end)
	case s.pairs:
		return s.blockDots(p, cur, i0, i1, at, r0, r1, end)
	case direct(p, s.n):
		s.scoresDirect(p, cur, i0, i1, at, r0, r1)
		s.weighAll(i0, i1, at, r0, r1)
		return s.valuesDirect(p, cur, i0, i1, at, r0, r1, end)
	}
	cur = s.unpackBlock(p, cur, at, r0, r1)
	s.scores(i0, i1, r0-at, floats(s.k, s.dk, r0-at, r1-r0))
	s.weighAll(i0, i1, at, r0, r1)
	s.values(i0, i1, r0-at, floats(s.v, s.vWidth, r0-at, r1-r0))
	return cur
}

// scoresDirect sets the scores of rows r0..r1 from the cache as it is, and
// fetches their values ahead: while one row is multiplied, the memory should
// not be idle, and it is too slow to wait for.
func (s *Scratch) scoresDirect(p *Params, cur cursor, i0, i1, at, r0, r1 int) {
	for r := r0; r < r1; {
		c, off, n := cur.piece(r, r1)
		k := rows{elem: p.Elem, data: unsafe.Pointer(&c.K[off*p.kStride()]), stride: p.kStride(), n: n}
		if !s.alias {
			k.next = unsafe.Pointer(&c.V[off*p.vStride()])
		}
		s.scores(i0, i1, r-at, k)
		r += n
	}
}

// valuesDirect adds the values of rows r0..r1 from the cache as it is, and
// fetches the next block's keys ahead.
func (s *Scratch) valuesDirect(p *Params, cur cursor, i0, i1, at, r0, r1, end int) cursor {
	coming := cur
	for r := r0; r < r1; {
		c, off, n := cur.piece(r, r1)
		v := rows{elem: p.Elem, data: unsafe.Pointer(&c.V[off*p.vStride()]), stride: p.vStride(), n: n}
		if r+Step < end {
			k, off, _ := coming.piece(r+Step, end)
			v.next = unsafe.Pointer(&k.K[off*p.kStride()])
		} else if next := s.following; len(next) > 0 && r-r0 < next[0].N {
			v.next = unsafe.Pointer(&next[0].K[(r-r0)*p.kStride()])
		}
		s.values(i0, i1, r-at, v)
		r += n
	}
	return cur
}

// floats is n rows of an unpacked matrix of the given width, from row at on.
func floats(x []float32, width, at, n int) rows {
	return rows{elem: F32, data: unsafe.Pointer(&x[at*width]), stride: 4 * width, n: n}
}

// unpackBlock converts rows r0 <= r < r1 to float32 in s.k and s.v. If the
// values are the front of the keys, s.v is s.k. It returns where cur has got to.
func (s *Scratch) unpackBlock(p *Params, cur cursor, at, r0, r1 int) cursor {
	s.kbuf = grow(s.kbuf, Step*s.dk)
	s.k, s.v, s.vWidth = s.kbuf, s.kbuf, s.dk
	if !s.alias {
		s.vbuf = grow(s.vbuf, Step*s.dv)
		s.v, s.vWidth = s.vbuf, s.dv
	}
	for r := r0; r < r1; {
		c, off, n := cur.piece(r, r1)
		load(p.Elem, s.k[(r-at)*s.dk:], s.dk, p.DK, c.K[off*p.kStride():], p.kStride(), n)
		if !s.alias {
			load(p.Elem, s.v[(r-at)*s.dv:], s.dv, p.DV, c.V[off*p.vStride():], p.vStride(), n)
		}
		r += n
	}
	return cur
}

// load reads n rows of dim elements, stride bytes apart, into rows of width
// elements, which it fills up with zeros.
func load(e Elem, dst []float32, width, dim int, src []byte, stride, n int) {
	if dim == width && e.RowBytes(n*dim) == n*stride {
		e.Load(dst[:n*dim], src) // as one long row
		return
	}
	for i := range n {
		row := dst[i*width : (i+1)*width]
		e.Load(row[:dim], src[i*stride:])
		clear(row[dim:])
	}
}

// aliased reports whether every row's values are the first elements of its key.
func (p *Params) aliased(chunks []Chunk) bool {
	if p.DV > p.DK || p.vStride() != p.kStride() {
		return false
	}
	for i := range chunks {
		c := &chunks[i]
		if c.N > 0 && &c.K[0] != &c.V[0] {
			return false
		}
	}
	return true
}
