package attend

import (
	"fmt"
	"math"

	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/vec"
)

// Run computes out[i] = softmax(Scale * q[i].K) V for nq queries that share one
// K/V head. The chunks are the sequence's rows from row 0 on; query i sees rows
// first[i] <= r < limit[i] (first nil: from 0). A query that sees no row gets
// zeros. What rows hold that no query of the call sees does not matter; the
// others must be finite.
//
// s is the worker's scratch. Run panics if slices are too short or a limit is
// beyond the rows of the chunks, and allocates nothing once s has grown.
func (p *Params) Run(s *Scratch, out []float32, q []float32, nq int, limit []int32, first []int32, chunks []Chunk) {
	rows := p.check(q, nq, limit, first, chunks)
	if len(out) < nq*p.DV {
		panic(fmt.Sprintf("attend: room for %d of %d results", len(out), nq*p.DV))
	}
	for _, l := range limit[:nq] {
		if int(l) > rows {
			panic(fmt.Sprintf("attend: a query sees %d rows of %d", l, rows))
		}
	}
	for at := 0; at < nq; at += tile {
		n := min(tile, nq-at)
		s.begin(p, q[at*p.DK:], n, limit[at:], tail(first, at))
		s.sweep(p, 0, rows, chunks)
		s.finish(p, out[at*p.DV:], at)
	}
	s.following = nil
}

// tail is x[at:], nil for nil.
func tail(x []int32, at int) []int32 {
	if x == nil {
		return nil
	}
	return x[at:]
}

// A Scratch is the working memory of one worker. It grows to what the largest
// call needs and is then reused.
type Scratch struct {
	n        int       // queries of the current tile
	dk, dv   int       // padded to lanes
	q        []float32 // [tile][dk] queries, scaled
	acc      []float32 // [tile][dv] sums of weights*V under the maximum m
	score    []float32 // [tile][scoreStride] scores, then weights, of a block
	m, l     []float32 // [tile] largest score so far, sum of weights under it
	shrink   []float32 // [tile] what the last block's new maximum makes of older sums
	top      []float32 // [tile] room for that block's maximum
	from, to []int     // [tile] visible rows
	k        []float32 // [Step][dk] unpacked keys of a block
	v        []float32 // [Step][vWidth] unpacked values; k if they are the front of the keys
	vWidth   int       // dv or dk
	alias    bool      // v is k
	kbuf     []float32 // memory of k
	vbuf     []float32 // memory of v
	round    []byte    // one row, for Params.Round

	fetch     ahead
	following []Chunk // what will be wanted after this call

	tiles tiling

	fast       bool     // queries and weights are rounded to bf16
	pairs      bool     // and products computed in pairs
	packed     bool     // of rows that are packed first
	q16        []uint16 // [tile][dk] queries in bf16
	w16        []uint16 // [tile][Step] weights in bf16
	kraw, vraw []byte   // [Step][DK], [Step][DV] a block's rows, copied
	vrawStride int      // bytes between rows of vraw
	kbytes     []byte   // memory of kraw
	vbytes     []byte   // memory of vraw
	keys, vals []uint16 // [Step][DK], [Step][DV] a block's rows, packed

	quads quadding
}

// Follow says what the next call with this scratch will begin with, so that the
// current one can fetch it while it works. It holds for one call.
func (s *Scratch) Follow(chunks []Chunk) { s.following = chunks }

// scoreStride is the distance between the scores of two queries.
const scoreStride = Step + overrun

// NewScratch returns an empty scratch.
func NewScratch() *Scratch { return &Scratch{} }

// grow returns x with n elements, which are undefined.
func grow[T any](x []T, n int) []T {
	if cap(x) < n {
		return make([]T, n)
	}
	return x[:n]
}

// begin starts a tile of n queries.
func (s *Scratch) begin(p *Params, q []float32, n int, limit, first []int32) {
	s.n, s.dk, s.dv = n, pad(p.DK), pad(p.DV)
	s.q = grow(s.q, tile*s.dk)
	s.acc = grow(s.acc, tile*s.dv)
	s.score = grow(s.score, tile*scoreStride)
	s.m, s.l = grow(s.m, tile), grow(s.l, tile)
	s.shrink, s.top = grow(s.shrink, tile), grow(s.top, tile)
	s.from, s.to = grow(s.from, tile), grow(s.to, tile)
	s.pairs, s.packed = dots(p), packs(p)
	if s.quads.on = quads(p); s.quads.on {
		s.pairs, s.packed = false, false
		s.quads.grow(p)
	}
	if s.fast = s.pairs || p.Fast && p.Elem == BF16; s.fast {
		s.q16, s.w16 = grow(s.q16, tile*s.dk), grow(s.w16, tile*Step)
	}
	clear(s.acc[:n*s.dv])
	for i := range n {
		s.loadQuery(p, s.q[i*s.dk:(i+1)*s.dk], q[i*p.DK:(i+1)*p.DK])
		switch {
		case s.fast:
			s.roundQuery(i)
		case s.quads.on:
			s.setQuery(i, p.DK)
		}
		s.m[i], s.l[i] = float32(math.Inf(-1)), 0
		s.from[i], s.to[i] = 0, int(limit[i])
		if first != nil {
			s.from[i] = max(0, int(first[i]))
		}
	}
	s.setTiles(p)
	s.packed = s.packed && !s.tiles.on
}

// loadQuery copies q, scaled, so that scores need no product of their own.
func (s *Scratch) loadQuery(p *Params, dst, q []float32) {
	copy(dst, q)
	clear(dst[len(q):])
	dst = dst[:len(q)]
	if p.Round {
		s.round = grow(s.round, p.Elem.RowBytes(len(q)))
		p.Elem.Store(s.round, q)
		p.Elem.Load(dst, s.round)
	}
	vec.Scale(dst, p.Scale)
}

// sweep takes the tile's queries over the rows base <= r < end of the chunks.
func (s *Scratch) sweep(p *Params, base, end int, chunks []Chunk) {
	lo, hi := end, base
	for i := range s.n {
		if s.from[i] < s.to[i] {
			lo, hi = min(lo, s.from[i]), max(hi, s.to[i])
		}
	}
	lo, hi = max(lo, base), min(hi, end)
	s.alias = p.aliased(chunks)
	cur := cursor{chunks: chunks, row: base}
	for at := lo / Step * Step; at < hi; at += Step {
		cur = s.block(p, cur, at, max(at, lo), min(at+Step, hi), hi)
	}
}

// active returns the range of queries that holds all who see a row of r0..r1.
func (s *Scratch) active(r0, r1 int) (i0, i1 int) {
	i0, i1 = s.n, 0
	for i := range s.n {
		if max(s.from[i], r0) < min(s.to[i], r1) {
			i0, i1 = min(i0, i), i+1
		}
	}
	return min(i0, i1), i1
}

// weighAll turns the scores of queries i0..i1 and rows r0..r1 of the block that
// begins at row at into weights; rows that a query does not see get the weight 0.
func (s *Scratch) weighAll(i0, i1, at, r0, r1 int) {
	for i := i0; i < i1; {
		n := 0
		for i+n < i1 && s.hide(i+n, max(s.from[i+n], r0)-at, min(s.to[i+n], r1)-at) {
			n++
		}
		if n == 0 { // it sees nothing here
			s.forget(i)
			i++
			continue
		}
		s.weigh(i, n)
		for j := i; j < i+n; j++ {
			if s.shrink[j] != 1 {
				vec.Scale(s.acc[j*s.dv:(j+1)*s.dv], s.shrink[j])
			}
		}
		i += n
	}
}

// hide makes the scores of query i outside the columns a <= c < b negative
// infinity, and reports whether there are such columns.
func (s *Scratch) hide(i, a, b int) bool {
	if a >= b {
		return false
	}
	x := s.score[i*scoreStride:][:Step]
	hidden := float32(math.Inf(-1))
	for c := range a {
		x[c] = hidden
	}
	for c := b; c < Step; c++ {
		x[c] = hidden
	}
	return true
}

// forget gives query i weights of 0.
func (s *Scratch) forget(i int) {
	clear(s.score[i*scoreStride:][:Step])
	if s.fast {
		clear(s.w16[i*Step : (i+1)*Step])
	}
	if s.quads.on {
		clear(s.quads.w16[i*Step : (i+1)*Step])
		s.quads.top[i] = 0
	}
}

// weighGo turns the scores of n queries from i on into weights. It keeps the
// largest score so far and the sum of weights under it, and sets what sums under
// the former largest score have to be multiplied by.
func (s *Scratch) weighGo(i, n int) {
	for ; n > 0; i, n = i+1, n-1 {
		x := s.score[i*scoreStride:][:Step]
		m := max(s.m[i], vec.Max(x))
		sum := vec.ExpSub(x, x, m)
		s.shrink[i] = 1
		if m != s.m[i] {
			s.shrink[i] = exp(s.m[i] - m)
			s.m[i] = m
		}
		s.l[i] = s.l[i]*s.shrink[i] + sum
		if s.fast {
			s.roundWeights(i)
		}
	}
}

func exp(x float32) float32 { return float32(math.Exp(float64(x))) }

// finish divides the tile's sums by its weights. at is the number of its first
// query in the call.
func (s *Scratch) finish(p *Params, out []float32, at int) {
	for i := range s.n {
		o := out[i*p.DV : (i+1)*p.DV]
		s.sums(o, i)
		p.normalize(o, s.m[i], s.l[i], at+i)
	}
}

// normalize divides o, a sum of weights*V under the maximum m with the sum of
// weights l, by the sum of all weights, the sink of query i included.
func (p *Params) normalize(o []float32, m, l float32, i int) {
	if l == 0 { // no row was visible
		clear(o)
		return
	}
	sink := p.Sink
	if p.Sinks != nil {
		sink = &p.Sinks[i]
	}
	if sink == nil {
		vec.Scale(o, 1/l)
		return
	}
	top := max(m, *sink)
	shrink := exp(m - top)
	vec.Scale(o, shrink/(l*shrink+exp(*sink-top)))
}
