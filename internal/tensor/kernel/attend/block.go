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
}

// block takes the tile over rows r0 <= r < r1 of the block that begins at row
// at. cur is at or before r0; what is returned is where the next block may
// start to look.
func (s *Scratch) block(p *Params, cur cursor, at, r0, r1 int) cursor {
	i0, i1 := s.active(r0, r1)
	if i0 == i1 {
		return cur
	}
	unpack := !direct(p, s.n)
	if unpack {
		cur = s.unpackBlock(p, cur, at, r0, r1)
		s.scores(i0, i1, r0-at, floats(s.k, s.dk, r0-at, r1-r0))
	} else {
		c := cur
		for r := r0; r < r1; {
			chunk, off, n := c.piece(r, r1)
			stride := p.kStride()
			s.scores(i0, i1, r-at, rows{p.Elem, unsafe.Pointer(&chunk.K[off*stride]), stride, n})
			r += n
		}
	}
	for i := i0; i < i1; i++ {
		s.weigh(i, max(s.from[i], r0)-at, min(s.to[i], r1)-at)
	}
	if unpack {
		s.values(i0, i1, r0-at, floats(s.v, s.vWidth, r0-at, r1-r0))
		return cur
	}
	for r := r0; r < r1; {
		chunk, off, n := cur.piece(r, r1)
		stride := p.vStride()
		s.values(i0, i1, r-at, rows{p.Elem, unsafe.Pointer(&chunk.V[off*stride]), stride, n})
		r += n
	}
	return cur
}

// floats is n rows of an unpacked matrix of the given width, from row at on.
func floats(x []float32, width, at, n int) rows {
	return rows{F32, unsafe.Pointer(&x[at*width]), 4 * width, n}
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
		for i := range n {
			row := r - at + i
			load(p.Elem, s.k[row*s.dk:(row+1)*s.dk], p.DK, c.K[(off+i)*p.kStride():])
			if !s.alias {
				load(p.Elem, s.v[row*s.dv:(row+1)*s.dv], p.DV, c.V[(off+i)*p.vStride():])
			}
		}
		r += n
	}
	return cur
}

// load reads a row of dim elements and fills dst up with zeros.
func load(e Elem, dst []float32, dim int, src []byte) {
	e.Load(dst[:dim], src)
	clear(dst[dim:])
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
