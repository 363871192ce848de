//go:build noasm || !amd64

package attend

import "unsafe"

// direct reports whether n queries are multiplied with cache rows as they are,
// without unpacking them to float32 first.
func direct(*Params, int) bool { return false }

func (s *Scratch) scores(i0, i1, col int, k rows) { s.scoresGo(i0, i1, col, k) }

func (s *Scratch) values(i0, i1, col int, v rows) { s.valuesGo(i0, i1, col, v) }

func (s *Scratch) weigh(i, n int) {
	if s.quads.on {
		s.weighQuads(i, n)
		return
	}
	s.weighGo(i, n)
}

func loadQ8(dst []float32, src []byte) { loadQ8Go(dst, src) }

func storeQ8(dst []byte, x []float32) { storeQ8Go(dst, x) }

// dots reports whether products are computed in pairs of bf16.
func dots(*Params) bool { return false }

func (s *Scratch) planPacked(_ *Params, _ cursor, _, _, _ int) {}

func (s *Scratch) packKeys(_ *Params, _ int, _ unsafe.Pointer, _ int) {}

func (s *Scratch) packValues(_ *Params, _ int, _ unsafe.Pointer, _, _ int) {}

func (s *Scratch) packedScores(_, _ int) { panic("attend: no packed products") }

func (s *Scratch) packedValues(_ *Params, _, _, _, _ int) { panic("attend: no packed products") }

func narrow(_ Elem, _, _ []byte, _, _, _ int) {}

func (s *Scratch) plan(_ *Params, _ cursor, _, _, _, _ int) {}

func (s *Scratch) scoresPairs(_, _, _ int, _ rows) { panic("attend: no products in pairs") }

func (s *Scratch) valuesPairs(_, _, _ int, _ rows) { panic("attend: no products in pairs") }

// quads reports whether products are computed in quads of int8.
func quads(*Params) bool { return false }

func queryQuads(rec []byte, q []float32) { queryQuadsGo(rec, q) }

func packKeysQuads(dst []byte, scales []float32, src []byte, blocks, stride int) {
	packKeysQuadsGo(dst, scales, src, blocks, stride)
}

func packValuesQuads(dst []byte, scales []float32, src []byte, blocks, stride, quads int) {
	packValuesQuadsGo(dst, scales, src, blocks, stride, quads)
}

func rowScales(row, inv, scales []float32, blocks int) { rowScalesGo(row, inv, scales, blocks) }

func shareScales(share []uint16, col, scales, inv []float32, rows uint64) {
	shareScalesGo(share, col, scales, inv, rows)
}

func (s *Scratch) weighQuads(i, n int) { s.weighQuadsGo(i, n) }

func (s *Scratch) scoresQuads(p *Params, i0, i1 int) {
	k, blocks := &s.quads, p.DK/blockElems
	for i := i0; i < i1; i++ {
		scoresQuadsGo(s.score[i*scoreStride:], k.q[i*blocks*recordBytes:], k.keys, k.kscale, blocks)
	}
}

func (s *Scratch) valuesQuads(_ *Params, i0, i1 int) {
	k := &s.quads
	for i := i0; i < i1; i++ {
		valuesQuadsGo(s.acc[i*s.dv:], k.vals, k.w16[i*Step:], k.share, k.col, k.top[i])
	}
}
