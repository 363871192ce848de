//go:build !noasm

package attend

import (
	"unsafe"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu"
)

var useVNNI = cpu.Has("avx512vnni")

func init() { cpu.Register("avx512vnni", &useVNNI) }

// quads reports whether products are computed in quads of int8. Tiles are faster.
func quads(p *Params) bool {
	return useVNNI && !useAMX && p.Elem == Q8_0 && p.Fast && (p.Pack || p.DK > shortDims) &&
		p.DK%blockElems == 0 && p.DV%blockElems == 0
}

// Each function does what the one of quads.go does that it is named after: queryVNNI
// and shareScalesVNNI for some blocks of 32 dimensions, the others with the same
// arguments. weighVNNI is weighGo and then spreadWeightsGo for n queries.

//go:noescape
func queryVNNI(rec unsafe.Pointer, q *float32, blocks int)

//go:noescape
func packKeysVNNI(dst unsafe.Pointer, scales *float32, src unsafe.Pointer, blocks, stride int)

//go:noescape
func packValuesVNNI(dst unsafe.Pointer, scales *float32, src unsafe.Pointer, blocks, stride, quads int)

//go:noescape
func rowScalesVNNI(row, inv, scales *float32, blocks int)

//go:noescape
func shareScalesVNNI(share *uint16, col, scales, inv *float32, blocks int, rows uint64)

//go:noescape
func weighVNNI(x *float32, w *uint16, m, l, top, shrink, most, row *float32, n int)

// Each scoresQuad stub is scoresQuadsGo for groups of some queries. At each block of 32
// dimensions it fetches lines lines from from on.

//go:noescape
func scoresQuadx1(rec, keys unsafe.Pointer, out, scales *float32, blocks, groups int, from uintptr, lines int)

//go:noescape
func scoresQuadx2(rec, keys unsafe.Pointer, out, scales *float32, blocks, groups int, from uintptr, lines int)

//go:noescape
func scoresQuadx3(rec, keys unsafe.Pointer, out, scales *float32, blocks, groups int, from uintptr, lines int)

// Each valuesQuad stub is valuesQuadsGo for groups of some queries, with room for their weights
// in w: 64 bytes a query and block. At each block of 32 dimensions it fetches lines lines from from on four times.

//go:noescape
func valuesQuadx1(acc *float32, vals unsafe.Pointer, x, share *uint16, col, top *float32, w unsafe.Pointer, blocks, accStride, groups int, from uintptr, lines int)

//go:noescape
func valuesQuadx2(acc *float32, vals unsafe.Pointer, x, share *uint16, col, top *float32, w unsafe.Pointer, blocks, accStride, groups int, from uintptr, lines int)

//go:noescape
func valuesQuadx4(acc *float32, vals unsafe.Pointer, x, share *uint16, col, top *float32, w unsafe.Pointer, blocks, accStride, groups int, from uintptr, lines int)

//go:noescape
func valuesQuadx6(acc *float32, vals unsafe.Pointer, x, share *uint16, col, top *float32, w unsafe.Pointer, blocks, accStride, groups int, from uintptr, lines int)

var (
	scoresQuad = [...]func(rec, keys unsafe.Pointer, out, scales *float32, blocks, groups int, from uintptr, lines int){
		1: scoresQuadx1, 2: scoresQuadx2, 3: scoresQuadx3,
	}
	valuesQuad = [...]func(acc *float32, vals unsafe.Pointer, x, share *uint16, col, top *float32, w unsafe.Pointer, blocks, accStride, groups int, from uintptr, lines int){
		1: valuesQuadx1, 2: valuesQuadx2, 4: valuesQuadx4, 6: valuesQuadx6,
	}
)

func queryQuads(rec []byte, q []float32) { queryVNNI(first(rec), &q[0], len(q)/blockElems) }

func packKeysQuads(dst []byte, scales []float32, src []byte, blocks, stride int) {
	packKeysVNNI(first(dst), &scales[0], first(src), blocks, stride)
}

func packValuesQuads(dst []byte, scales []float32, src []byte, blocks, stride, quads int) {
	packValuesVNNI(first(dst), (*float32)(first(scales)), first(src), blocks, stride, quads)
}

func rowScales(row, inv, scales []float32, blocks int) {
	rowScalesVNNI(&row[0], &inv[0], &scales[0], blocks)
}

func shareScales(share []uint16, col, scales, inv []float32, rows uint64) {
	shareScalesVNNI(&share[0], &col[0], &scales[0], &inv[0], len(col), rows)
}

// weighQuads weighs the scores of n queries from i on and spreads the weights.
func (s *Scratch) weighQuads(i, n int) {
	k := &s.quads
	weighVNNI(&s.score[i*scoreStride], &k.w16[i*Step], &s.m[i], &s.l[i], &s.top[i], &s.shrink[i], &k.top[i], &k.row[0], n)
}

// scoresQuads sets the scores of queries i0..i1 and all rows of the packed block.
func (s *Scratch) scoresQuads(p *Params, i0, i1 int) {
	k, blocks := &s.quads, p.DK/blockElems
	for i := i0; i < i1; {
		n, groups := groupsOf(i1-i, scoresTogether[:])
		from, lines := s.fetch.take(groups*blocks, groups*n*p.DK)
		scoresQuad[n](first(k.q[i*blocks*recordBytes:]), first(k.keys), &s.score[i*scoreStride], &k.kscale[0], blocks, groups, from, lines)
		i += n * groups
	}
}

// valuesQuads adds the packed block's rows to the accumulators of queries i0..i1.
func (s *Scratch) valuesQuads(p *Params, i0, i1 int) {
	k, blocks := &s.quads, p.DV/blockElems
	for i := i0; i < i1; {
		n, groups := groupsOf(i1-i, valuesTogether[:])
		from, lines := s.fetch.take(4*groups*blocks, groups*n*p.DV)
		valuesQuad[n](&s.acc[i*s.dv], first(k.vals), &k.w16[i*Step], &k.share[0], &k.col[0], &k.top[i],
			first(k.w), blocks, 4*s.dv, groups, from, lines)
		i += n * groups
	}
}

// mostTogether is how many queries a call takes at most: each call fetches ahead from
// one piece of memory, so that there should be more calls than pieces.
const mostTogether = 24

// How many queries the bodies take at a time, the most first.
var (
	scoresTogether = [...]int{3, 2, 1}
	valuesTogether = [...]int{6, 4, 2, 1}
)

// groupsOf returns how many of n queries to take at a time, and how often. A rest of
// one is slow, so that it takes one from the group before.
func groupsOf(n int, sizes []int) (size, groups int) {
	for _, size := range sizes {
		groups := n / size
		if n%size == 1 && size > 2 {
			groups--
		}
		if groups > 0 {
			return size, min(groups, max(1, mostTogether/size))
		}
	}
	return 1, 1
}
