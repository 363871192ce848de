package attend

import (
	"math"
	"math/bits"
	"unsafe"
)

// Products of int8 take rows of Q8_0 as they are stored, four elements at a time, for
// half the time of bf16's. What has to fit for that:
//
// Scores. The bytes of a query share a scale within groupDims dimensions. Of the two
// factors, the instruction takes one without a sign: keys are packed with 128 added,
// and sums begin at -128 times the sum of the query's bytes. A key's own scales, one
// for 32 dimensions, multiply the sums of that many.
//
// Values. The sum over rows cannot take their scales out, so the scales go into the
// weights, and the products are rounded to 8 bits (without a sign), once for each 32
// dimensions. What they are rounded to should be small for every query and every 32
// dimensions: so a scale is split into the largest of its row, which goes into the
// weights before their largest is found; the largest of what is left in its column,
// which multiplies the sums; and the rest, its share, which is at most 1.
const (
	// groupDims is how many dimensions of a query share a scale.
	groupDims = 128
	// recordBytes is the size of 32 dimensions of a query: what the sums begin at
	// (int32), what they are multiplied by at the end of a group (float32), bytes.
	recordBytes = 8 + blockElems
	// tinyScale is the smallest scale of a query.
	tinyScale = 1e-15
)

// quadding is the part of a Scratch for products of int8.
type quadding struct {
	on     bool
	q      []byte    // [tile][dk/32] records
	kraw   []byte    // [Step] rows of keys, copied
	vraw   []byte    // [Step] rows of values
	keys   []byte    // [dk/4][Step] quads of dimensions, plus 128
	vals   []byte    // [dv/32][Step/4][32] quads of rows
	kscale []float32 // [dk/32][Step]
	vscale []float32 // [dv/32][Step]
	vmem   []float32 // memory of vscale, if it is not kscale
	row    []float32 // [Step] the largest scale of a row
	inv    []float32 // [Step] 1/row
	share  []uint16  // [dv/32][Step], in the order of placeOf
	col    []float32 // [dv/32]
	w16    []uint16  // [tile][Step] weights, in the order of placeOf
	top    []float32 // [tile] what 1 means in the weights of a query, in bytes
	w      []byte    // [dv/32][6][Step] weights of some queries in bytes
}

// grow takes memory.
func (k *quadding) grow(p *Params) {
	k.q = growLines(k.q, tile*p.DK/blockElems*recordBytes)
	k.keys, k.vals = growLines(k.keys, Step*p.DK), growLines(k.vals, Step*p.DV)
	k.kscale, k.vmem = growLines(k.kscale, Step*p.DK/blockElems), growLines(k.vmem, Step*p.DV/blockElems)
	k.share, k.col = growLines(k.share, Step*p.DV/blockElems), grow(k.col, p.DV/blockElems)
	k.row, k.inv, k.top = growLines(k.row, Step), growLines(k.inv, Step), grow(k.top, tile)
	k.w16 = growLines(k.w16, tile*Step)
	k.w = growLines(k.w, 6*Step*p.DV/blockElems)
}

// setQuery rounds query i to bytes.
func (s *Scratch) setQuery(i, dk int) {
	k := &s.quads
	size := dk / blockElems * recordBytes
	rec := k.q[i*size : (i+1)*size]
	queryQuads(rec, s.q[i*s.dk:][:dk])
	// The sums of a group are in units of its scale, and go over into those of the next.
	factor := func(b int) *float32 { return &view[float32](rec[b*recordBytes+4:][:4])[0] }
	const group = groupDims / blockElems
	for b := group - 1; b+1 < dk/blockElems; b += group {
		*factor(b) /= *factor(b + 1)
	}
}

// queryQuadsGo defines the rounding of a query: records with the scale of their group
// in the place of the factor.
func queryQuadsGo(rec []byte, q []float32) {
	for ; len(q) > 0; q = q[min(groupDims, len(q)):] {
		n := min(groupDims, len(q))
		var top float32
		for _, x := range q[:n] {
			top = max(top, x, -x)
		}
		d := max(top/127, tinyScale)
		inv := 1 / d
		for b := 0; b < n; b += blockElems {
			var sum int32
			for j, x := range q[b : b+blockElems] {
				c := int8(math.RoundToEven(float64(x * inv)))
				rec[8+j] = byte(c)
				sum += int32(c)
			}
			view[int32](rec[:4])[0] = -128 * sum
			view[float32](rec[4:8])[0] = d
			rec = rec[recordBytes:]
		}
	}
}

// blockQuads is block for products of int8.
func (s *Scratch) blockQuads(p *Params, cur cursor, i0, i1, at, r0, r1, end int) cursor {
	s.planNext(p, cur, i0, i1, r1, end)
	k := &s.quads
	if !s.packQuads(p, cur, at, r0, r1) {
		s.copyQuads(p, cur, at, r0, r1)
	}
	rowScales(k.row, k.inv, k.vscale, p.DV/blockElems)
	s.scoresQuads(p, i0, i1)
	s.weighAll(i0, i1, at, r0, r1)
	// The largest of a column depends on the rows that a query sees, and on no others.
	for i := i0; i < i1; {
		a, b := s.sees(i, r0, r1)
		n := 1
		for i+n < i1 {
			if c, d := s.sees(i+n, r0, r1); c != a || d != b {
				break
			}
			n++
		}
		if a < b {
			shareScales(k.share, k.col, k.vscale, k.inv, span(a-at, b-at))
			s.valuesQuads(p, i, i+n)
		}
		i += n
	}
	return cur
}

// planNext begins to fetch what comes after row r1.
func (s *Scratch) planNext(p *Params, cur cursor, i0, i1, r1, end int) {
	if next := s.following; r1 == end && len(next) > 0 {
		s.planPacked(p, cursor{chunks: next}, 0, min(Step, next[0].N), i1-i0)
	} else {
		s.planPacked(p, cur, r1, min(r1+Step, end), i1-i0)
	}
}

// sees returns which of the rows r0..r1 query i sees.
func (s *Scratch) sees(i, r0, r1 int) (a, b int) { return max(s.from[i], r0), min(s.to[i], r1) }

// span is the set of the rows a <= r < b of a block.
func span(a, b int) uint64 { return ^uint64(0) >> (Step - (b - a)) << a }

// packQuads packs rows r0..r1 from the cache as it is, if they and the chunks begin and
// end at multiples of packRows.
func (s *Scratch) packQuads(p *Params, cur cursor, at, r0, r1 int) bool {
	if !wholePacks(cur, at, r0, r1) {
		return false
	}
	s.beginQuads(p, span(r0-at, r1-at))
	for r := r0; r < r1; {
		c, off, n := cur.piece(r, r1)
		s.packRowsQuads(p, r-at, c.K[off*p.kStride():], c.V[off*p.vStride():], p.kStride(), p.vStride(), n)
		r += n
	}
	return true
}

// copyQuads copies rows r0..r1 and packs them. Rows that nobody sees become zeros.
func (s *Scratch) copyQuads(p *Params, cur cursor, at, r0, r1 int) {
	k := &s.quads
	kRow, vRow := p.Elem.RowBytes(p.DK), p.Elem.RowBytes(p.DV)
	k.kraw = grow(k.kraw, Step*kRow)
	kraw, vraw, stride := k.kraw, k.kraw, kRow
	if !s.alias {
		k.vraw = grow(k.vraw, Step*vRow)
		vraw, stride = k.vraw, vRow
	}
	lo, hi := (r0-at)/packRows*packRows, (r1-at+packRows-1)/packRows*packRows
	hide := func(a, b int) {
		clear(kraw[a*kRow : b*kRow])
		clear(vraw[a*stride : b*stride])
	}
	hide(lo, r0-at)
	hide(r1-at, hi)
	for r := r0; r < r1; {
		c, off, n := cur.piece(r, r1)
		copyRows(kraw[(r-at)*kRow:], kRow, kRow, c.K[off*p.kStride():], p.kStride(), n)
		if !s.alias {
			copyRows(vraw[(r-at)*vRow:], vRow, vRow, c.V[off*p.vStride():], p.vStride(), n)
		}
		r += n
	}
	s.beginQuads(p, span(lo, hi))
	s.packRowsQuads(p, lo, kraw[lo*kRow:], vraw[lo*stride:], kRow, stride, hi-lo)
}

// copyRows copies n rows of size bytes between matrices of the given strides.
func copyRows(dst []byte, to, size int, src []byte, from, n int) {
	if to == from {
		copy(dst[:(n-1)*to+size], src)
		return
	}
	for i := range n {
		copy(dst[i*to:][:size], src[i*from:])
	}
}

// beginQuads prepares a block of which only some rows, whole packs, will be packed.
func (s *Scratch) beginQuads(p *Params, rows uint64) {
	k := &s.quads
	k.vscale = k.kscale
	if !s.alias {
		k.vscale = k.vmem
	}
	if bits.OnesCount64(rows) < Step {
		clear(k.kscale[:Step*p.DK/blockElems])
		clear(k.vscale[:Step*p.DV/blockElems])
	}
}

// packRowsQuads packs n rows, whole packs, from row at of the block on.
func (s *Scratch) packRowsQuads(p *Params, at int, keys, vals []byte, kStride, vStride, n int) {
	k := &s.quads
	for i := 0; i < n; i += packRows {
		packKeysQuads(k.keys[(at+i)*4:], k.kscale[at+i:], keys[i*kStride:], p.DK/blockElems, kStride)
	}
	scales := k.vscale[at:]
	if s.alias {
		scales = nil
	}
	packValuesQuads(k.vals[at*blockElems:], scales, vals, p.DV/blockElems, vStride, n/4)
}

// packKeysQuadsGo packs 16 rows of some blocks of Q8_0 each.
func packKeysQuadsGo(dst []byte, scales []float32, src []byte, blocks, stride int) {
	for r := range packRows {
		for b := range blocks {
			block := src[r*stride+b*blockBytes:][:blockBytes]
			scales[b*Step+r] = view[float32](block[:4])[0]
			for j, x := range block[4:] {
				dst[(b*blockElems+j)/4*4*Step+4*r+j%4] = x ^ 0x80
			}
		}
	}
}

// packValuesQuadsGo packs quads rows of some blocks of Q8_0 each, and their scales
// unless scales is nil.
func packValuesQuadsGo(dst []byte, scales []float32, src []byte, blocks, stride, quads int) {
	for r := range 4 * quads {
		for b := range blocks {
			block := src[r*stride+b*blockBytes:][:blockBytes]
			if scales != nil {
				scales[b*Step+r] = view[float32](block[:4])[0]
			}
			for j, x := range block[4:] {
				dst[b*Step*blockElems+r/4*4*blockElems+4*j+r%4] = x
			}
		}
	}
}

// tiny is what is taken for the largest of numbers that are smaller.
const tiny = 1e-30

// rowScalesGo finds the largest scale of each row.
func rowScalesGo(row, inv, scales []float32, blocks int) {
	for r := range Step {
		row[r] = 0
		for b := range blocks {
			row[r] = max(row[r], scales[b*Step+r])
		}
		inv[r] = 1 / max(row[r], tiny)
	}
}

const (
	weightOne = 255 * 32 // what the largest of a query's weights becomes
	shareOne  = 1024     // and the largest share of a column: the product is 255<<15
)

// placeOf is where row r is in packed shares and weights: packing numbers of 32 bits
// takes four of each of two vectors in turn.
func placeOf(r int) int { return r/32*32 + r%16/4*8 + r/16%2*4 + r%4 }

// shareScalesGo splits what rowScales left of the scales of some rows.
func shareScalesGo(share []uint16, col, scales, inv []float32, rows uint64) {
	for b := range col {
		var x [Step]float32
		col[b] = 0
		for r := range x {
			if rows>>r&1 != 0 {
				x[r] = scales[b*Step+r] * inv[r]
			}
			col[b] = max(col[b], x[r])
		}
		toWords(share[b*Step:], x[:], shareOne/max(col[b], tiny))
	}
}

// spreadWeightsGo multiplies the weights of some queries by the rows' scales and
// spreads them over 0 to weightOne.
func spreadWeightsGo(w []uint16, top, x, row []float32) {
	for i := range top {
		var y [Step]float32
		most := float32(0)
		for r := range y {
			y[r] = x[i*scoreStride+r] * row[r]
			most = max(most, y[r])
		}
		top[i] = most / 255
		toWords(w[i*Step:], y[:], weightOne/max(most, tiny))
	}
}

// weighQuadsGo weighs the scores of n queries from i on and spreads the weights.
func (s *Scratch) weighQuadsGo(i, n int) {
	s.weighGo(i, n)
	k := &s.quads
	spreadWeightsGo(k.w16[i*Step:], k.top[i:i+n], s.score[i*scoreStride:], k.row)
}

// toWords multiplies and rounds.
func toWords(dst []uint16, x []float32, f float32) {
	for r, v := range x {
		dst[placeOf(r)] = uint16(math.RoundToEven(float64(v * f)))
	}
}

// scoresQuadsGo defines the scores of a query's records with 64 packed keys.
func scoresQuadsGo(out []float32, rec, keys []byte, scales []float32, blocks int) {
	clear(out[:Step])
	for b := range blocks {
		rec := rec[b*recordBytes:][:recordBytes]
		last := b%(groupDims/blockElems) == groupDims/blockElems-1 || b == blocks-1
		for r := range Step {
			sum := view[int32](rec[:4])[0]
			for j, q := range rec[8:] {
				sum += int32(int8(q)) * int32(keys[(b*blockElems+j)/4*4*Step+4*r+j%4])
			}
			out[r] = fma(scales[b*Step+r], float32(sum), out[r])
			if last {
				out[r] *= view[float32](rec[4:8])[0]
			}
		}
	}
}

// valuesQuadsGo adds the packed values of a block, weighted by x, to the accumulators
// of a query.
func valuesQuadsGo(acc []float32, vals []byte, x, share []uint16, col []float32, top float32) {
	for b, c := range col {
		var sum [blockElems]int32
		for r := range Step {
			w := (int32(x[placeOf(r)])*int32(share[b*Step+placeOf(r)]) + 1<<14) >> 15
			for j := range sum {
				sum[j] += w * int32(int8(vals[b*Step*blockElems+r/4*4*blockElems+4*j+r%4]))
			}
		}
		for j, n := range sum {
			a := &acc[b*blockElems+j]
			*a = fma(top*c, float32(n), *a)
		}
	}
}

// fma is a*b+c, rounded once.
func fma(a, b, c float32) float32 {
	return float32(math.FMA(float64(a), float64(b), float64(c)))
}

// first is the address of the first element, nil for nil.
func first[T any](x []T) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(x)) }
