package attend

import (
	"fmt"
	"unsafe"
)

// SetQueries takes nq queries, at most MaxQueries, for Dots. It overwrites what a
// Run with the same scratch needs, and a Run overwrites it.
func (s *Scratch) SetQueries(p *Params, q []float32, nq int) {
	if nq > tile || len(q) < nq*p.DK {
		panic(fmt.Sprintf("attend: %d queries of %d elements, but %d elements and at most %d queries", nq, p.DK, len(q), tile))
	}
	s.n, s.dk, s.packed = nq, pad(p.DK), false
	s.q, s.score = grow(s.q, tile*s.dk), grow(s.score, tile*scoreStride)
	if s.fast, s.pairs = p.Fast && p.Elem == BF16, p.Elem == BF16 && dots(p); s.fast {
		s.q16 = grow(s.q16, tile*s.dk)
	}
	for i := range nq {
		s.loadQuery(p, s.q[i*s.dk:(i+1)*s.dk], q[i*p.DK:(i+1)*p.DK])
		if s.fast {
			s.roundQuery(i)
		}
	}
	s.setTiles(p)
}

// Dots computes Scale*q.k for all queries and the first n of some keys, at most
// Step, KStride bytes apart. Dot returns the results. A product is computed by
// the same operations whatever the other queries and keys.
func (s *Scratch) Dots(p *Params, k []byte, n int) {
	if n == 0 {
		return
	}
	if need := (n-1)*p.kStride() + p.Elem.RowBytes(p.DK); n > Step || len(k) < need {
		panic(fmt.Sprintf("attend: %d keys, at most %d, in %d bytes, want %d", n, Step, len(k), need))
	}
	s.fetch = ahead{}
	if s.tiles.on {
		s.dotsTiles(p, k, n)
		return
	}
	if s.pairs || direct(&Params{Elem: p.Elem, DK: p.DK, DV: p.DK}, s.n) {
		s.scores(0, s.n, 0, rows{elem: p.Elem, data: unsafe.Pointer(&k[0]), stride: p.kStride(), n: n})
		return
	}
	s.kbuf = grow(s.kbuf, Step*s.dk)
	load(p.Elem, s.kbuf, s.dk, p.DK, k, p.kStride(), n)
	s.scores(0, s.n, 0, floats(s.kbuf, s.dk, 0, n))
}

// Dot returns query i's products with the keys of the last Dots.
func (s *Scratch) Dot(i, n int) []float32 { return s.score[i*scoreStride:][:n] }

// MaxQueries is the largest number of queries that SetQueries takes.
const MaxQueries = tile
