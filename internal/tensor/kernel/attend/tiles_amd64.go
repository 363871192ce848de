//go:build !noasm

package attend

import (
	"unsafe"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu"
)

// useAMX is on where products of bf16 are computed in tiles. Built with the tag
// emulatedamx it is on without the instructions, for tests under an emulator.
var useAMX = cpu.Has(amxTier) && cpu.Has("avx512bf16")

func init() { cpu.RegisterUnverified("amx", &useAMX) }

// setTiles brings the queries, in bf16, into tiles if there are any.
func (s *Scratch) setTiles(p *Params) {
	t := &s.tiles
	if t.on = s.pairs && useAMX; !t.on {
		return
	}
	t.grow(p)
	for i := 0; i < s.n; i += tileRows {
		amxQueries(&t.q[i*2*s.dk], &s.q16[i*s.dk], 2*s.dk, s.dk/pairDims)
	}
}

// scoresTiles sets the scores of queries i0..i1 and all keys of a block. It
// overwrites those of the queries that share a tile with them.
func (s *Scratch) scoresTiles(i0, i1 int) {
	t, i := &s.tiles, i0&^(tileRows-1)
	amxScores(&t.q[i*2*s.dk], &t.keys[0], &t.strides[0], &s.score[i*scoreStride], s.dk/pairDims, (i1-i+tileRows-1)/tileRows, &t.mem[0])
}

// valuesTiles adds the values of a block, weighted, to the accumulators of queries
// i0..i1. Those of the queries that share a tile with them get weights of zero.
func (s *Scratch) valuesTiles(i0, i1 int) {
	t, i := &s.tiles, i0&^(tileRows-1)
	queries := (i1 - i + tileRows - 1) / tileRows
	clear(s.w16[i*Step : i0*Step])
	clear(s.w16[i1*Step : (i+queries*tileRows)*Step])
	amxPairs(&t.v[0], &t.rows[0], s.dv/pairDims)
	amxValues(&s.acc[i*s.dv], 4*s.dv, &s.w16[i*Step], &t.v[0], s.dv/pairDims, queries, &t.mem[0])
}

// amxQueries transposes 16 queries, stride bytes apart: into n tiles of 32
// dimensions, which are [16 pairs of dimensions][16 queries][2].
//
//go:noescape
func amxQueries(dst *byte, q *uint16, stride, n int)

// amxScores sets out, scoreStride apart, to the products of tiles of queries with
// four tiles of keys. n is the number of tiles that the dimensions make.
//
//go:noescape
func amxScores(q *byte, keys *unsafe.Pointer, strides *int, out *float32, n, queries int, mem *byte)

// amxPairs interleaves 64 rows of n times 32 dimensions in pairs, into [2][2n] tiles
// of [16 pairs of rows][16 dimensions][2]. The dimensions are in the order that sums
// undoes.
//
//go:noescape
func amxPairs(dst *byte, rows *unsafe.Pointer, n int)

// amxValues adds the products of tiles of queries' weights, [16][Step], with what
// amxPairs made to acc, stride bytes apart.
//
//go:noescape
func amxValues(acc *float32, stride int, w *uint16, v *byte, n, queries int, mem *byte)
