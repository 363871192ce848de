package matmul

import (
	"unsafe"

	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// Types without a packed layout (Q8_1 and Q8_K, which are made for activations and
// which no file has as weights) stay as they are. A group of them is unpacked into
// a panel before use, and multiplied by the portable code:
//
//	f32 scale of the first 16 columns [16 rows], f32 scale of the last 16,
//	8 vec of code+128
//
// for each unit of 32 columns.
var panel = &layout{kind: Q8, cols: 32, bytes: panelBytes, unpack: unpackPanel, halves: true}

const panelBytes = 128 + 512

// unpackPanel puts the scale of the second half into u.dm.
func unpackPanel(u *unit, src []byte) {
	for r := range Group {
		u.d[r], u.dm[r] = getF32(src[4*r:]), getF32(src[64+4*r:])
	}
	unpackCodes(u, src[128:])
}

// mulUnitHalves is mulUnitQ8 with a scale per 16 columns.
func mulUnitHalves(acc *[Group]float32, u *unit, x []byte) {
	a := codesOf(x[:q8Cols])
	d := getF32(x[q8Scale:])
	for r := range acc {
		t0, t1 := float32(dot(u.q[r][:16], a[:16])), float32(dot(u.q[r][16:32], a[16:]))
		v := acc[r] + float32(t0*float32(u.d[r]*d))
		acc[r] = v + float32(t1*float32(u.dm[r]*d))
	}
}

// fillPanel unpacks n rows of type t into a panel of a whole group.
func fillPanel(dst []byte, t quant.Type, src []byte, n, rowBytes, cols int, s *Scratch) {
	groups := cols / quant.GroupElems
	if len(s.q) < Group*cols {
		s.q, s.scale = make([]int8, Group*cols), make([]float32, Group*groups)
	}
	for r := range n {
		err := quant.Unpack(t, src[r*rowBytes:][:rowBytes], s.q[r*cols:][:cols], s.scale[r*groups:][:groups], nil)
		if err != nil {
			panic("matmul: " + err.Error()) // sizes were checked when the matrix was made
		}
	}
	if n < Group {
		clear(dst)
	}
	codes := bytesOfCodes(s.q)
	for u := range groups / 2 {
		to := dst[u*panelBytes:][:panelBytes]
		for r := range n {
			putF32(to[4*r:], s.scale[r*groups+2*u])
			putF32(to[64+4*r:], s.scale[r*groups+2*u+1])
		}
		gather(to[128:], 64, codes[u*q8Cols:], cols, n, 8)
		flip(to[128:])
	}
}

// bytesOfCodes shows int8 values as bytes.
func bytesOfCodes(q []int8) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(q))), len(q))
}
