package attend

import (
	"unsafe"

	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/vec"
)

// pairDims is what the dimensions must be multiples of for products in pairs.
const pairDims = 32

// whole reports whether all pairs of rows that r0 <= r < r1 belong to lie in one
// chunk each. A pair is an even row and the one after it, whatever the chunks.
func whole(cur cursor, r0, r1 int) bool {
	for r := r0; r < r1; {
		_, _, n := cur.piece(r, r1)
		if r%2 != 0 || n%2 != 0 && r+n < r1 {
			return false
		}
		r += n
	}
	return true
}

// blockDots is block for products in pairs of rows, from the cache as it is.
func (s *Scratch) blockDots(p *Params, cur cursor, i0, i1, at, r0, r1, end int) cursor {
	s.fetchNext(p, cur, i0, i1, r0, r1, end)
	start := cur
	for r := r0; r < r1; {
		c, off, n := cur.piece(r, r1)
		k := rows{elem: BF16, data: unsafe.Pointer(&c.K[off*p.kStride()]), stride: p.kStride(), n: n}
		s.scoresPairs(i0, i1, r-at, k)
		r += n
	}
	s.weighAll(i0, i1, at, r0, r1)
	for r := r0; r < r1; {
		c, off, n := start.piece(r, r1)
		v := rows{elem: BF16, data: unsafe.Pointer(&c.V[off*p.vStride()]), stride: p.vStride(), n: n}
		s.valuesPairs(i0, i1, r-at, v)
		r += n
	}
	return cur
}

// fetchNext begins to fetch what comes after rows r0..r1.
func (s *Scratch) fetchNext(p *Params, cur cursor, i0, i1, r0, r1, end int) {
	if next := s.following; r1 == end && len(next) > 0 {
		s.plan(p, cursor{chunks: next}, 0, min(Step, next[0].N), i1-i0, r1-r0)
	} else {
		s.plan(p, cur, r1, min(r1+Step, end), i1-i0, r1-r0)
	}
}

// blockPairs is block for products in pairs of rows where pairs are not whole:
// the rows are copied first.
func (s *Scratch) blockPairs(p *Params, cur cursor, i0, i1, at, r0, r1, end int) cursor {
	cur = s.copyBlock(p, cur, at, r0, r1)
	s.fetchNext(p, cur, i0, i1, r0, r1, end)
	r0 &^= 1
	k, v := s.kraw[(r0-at)*2*p.DK:], s.vraw[(r0-at)*s.vrawStride:]
	s.scoresPairs(i0, i1, r0-at, rows{elem: BF16, data: unsafe.Pointer(&k[0]), stride: 2 * p.DK, n: r1 - r0})
	s.weighAll(i0, i1, at, r0, r1)
	s.valuesPairs(i0, i1, r0-at, rows{elem: BF16, data: unsafe.Pointer(&v[0]), stride: s.vrawStride, n: r1 - r0})
	return cur
}

// copyBlock copies rows r0 <= r < r1 of the block that begins at row at, in bf16.
// A row that nobody sees but that makes a pair whole becomes zeros.
func (s *Scratch) copyBlock(p *Params, cur cursor, at, r0, r1 int) cursor {
	kRow, vRow := 2*p.DK, 2*p.DV
	s.kbytes = grow(s.kbytes, Step*kRow)
	s.kraw, s.vraw, s.vrawStride = s.kbytes, s.kbytes, kRow
	if !s.alias {
		s.vbytes = grow(s.vbytes, Step*vRow)
		s.vraw, s.vrawStride = s.vbytes, vRow
	}
	for _, r := range [2]int{r0 - 1, r1} {
		if r%2 == 0 && r < r0 || r%2 != 0 && r == r1 {
			clear(s.kraw[(r-at)*kRow:][:kRow])
			clear(s.vraw[(r-at)*s.vrawStride:][:vRow])
		}
	}
	for r := r0; r < r1; {
		c, off, n := cur.piece(r, r1)
		narrow(p.Elem, s.kraw[(r-at)*kRow:], c.K[off*p.kStride():], p.DK, p.kStride(), n)
		if !s.alias {
			narrow(p.Elem, s.vraw[(r-at)*vRow:], c.V[off*p.vStride():], p.DV, p.vStride(), n)
		}
		r += n
	}
	return cur
}

// roundQuery rounds query i to bf16.
func (s *Scratch) roundQuery(i int) {
	q, q16 := s.q[i*s.dk:(i+1)*s.dk], s.q16[i*s.dk:(i+1)*s.dk]
	vec.F32ToBF16(q16, q)
	if !s.pairs {
		vec.BF16ToF32(q, q16)
	}
}

// roundWeights rounds query i's weights of a block to bf16, for products in float32.
func (s *Scratch) roundWeights(i int) {
	x, w16 := s.score[i*scoreStride:][:Step], s.w16[i*Step:(i+1)*Step]
	vec.F32ToBF16(w16, x)
	vec.BF16ToF32(x, w16)
}

// sums copies query i's accumulators to dst, in their proper order: products in
// pairs of rows leave 32 dimensions as 0-3, 8-11, 16-19, 24-27, then 4-7, 12-15,
// 20-23, 28-31.
func (s *Scratch) sums(dst []float32, i int) {
	acc := s.acc[i*s.dv:]
	if !s.pairs || s.packed {
		copy(dst, acc)
		return
	}
	for at := 0; at < len(dst); at += pairDims {
		to, low, high := dst[at:at+pairDims], acc[at:at+pairDims/2], acc[at+pairDims/2:at+pairDims]
		for j := range 4 {
			*(*[4]float32)(to[8*j:]) = [4]float32(low[4*j:])
			*(*[4]float32)(to[8*j+4:]) = [4]float32(high[4*j:])
		}
	}
}
