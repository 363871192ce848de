package matmul

import (
	"encoding/binary"
	"math"

	"github.com/holdfast-llm/holdfast/internal/tensor/num"
)

// tableIQ4NL holds the 16 values of the IQ4_NL and IQ4_XS codes.
var tableIQ4NL = [16]int8{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

// tableFP4 holds the values of the E2M1 codes, doubled to make them integers.
var tableFP4 = [16]int8{0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12}

func half(b []byte) float32 { return num.F16ToF32(binary.LittleEndian.Uint16(b)) }

// unpackHalves reads a vector of 16 scales.
func unpackHalves(dst *[Group]float32, src []byte) {
	for r := range dst {
		dst[r] = half(src[2*r:])
	}
}

// unpackNibbles reads the 32 nibbles per row of 4 vec into columns c to c+31.
func unpackNibbles(u *unit, src []byte, c int) {
	for v := range 4 {
		vec := src[64*v:][:64]
		for r := range Group {
			q := u.q[r][c+4*v:][:20]
			putNibbles(q, q[16:], getU32(vec[4*r:]))
		}
	}
}

// putNibbles writes the low nibbles of four bytes to lo, the high ones to hi.
func putNibbles(lo, hi []int8, w uint32) {
	l, h := w&0x0f0f0f0f, w>>4&0x0f0f0f0f
	lo, hi = lo[:4], hi[:4]
	lo[0], lo[1], lo[2], lo[3] = int8(l), int8(l>>8), int8(l>>16), int8(l>>24)
	hi[0], hi[1], hi[2], hi[3] = int8(h), int8(h>>8), int8(h>>16), int8(h>>24)
}

// add adds n to the first cols codes of every row.
func (u *unit) add(cols int, n int8) {
	for r := range u.q {
		q := u.q[r][:cols]
		for i := range q {
			q[i] += n
		}
	}
}

// lookup replaces the first cols codes of every row by table entries.
func (u *unit) lookup(cols int, table *[16]int8) {
	for r := range u.q {
		q := u.q[r][:cols]
		for i := range q {
			q[i] = table[q[i]&15]
		}
	}
}

// addFifth adds 16 to the codes whose fifth bit is set.
func addFifth(u *unit, src []byte) {
	for r := range Group {
		for k, x := range src[4*r : 4*r+4] {
			for q := range 8 {
				u.q[r][4*q+k] += int8(x>>q&1) << 4
			}
		}
	}
}

func unpackQ40(u *unit, src []byte) {
	unpackHalves(&u.d, src)
	unpackNibbles(u, src[32:], 0)
	u.add(32, -8)
}

func unpackQ41(u *unit, src []byte) {
	unpackHalves(&u.d, src)
	unpackHalves(&u.dm, src[32:])
	unpackNibbles(u, src[64:], 0)
}

func unpackQ50(u *unit, src []byte) {
	unpackHalves(&u.d, src)
	unpackNibbles(u, src[96:], 0)
	addFifth(u, src[32:])
	u.add(32, -16)
}

func unpackQ51(u *unit, src []byte) {
	unpackHalves(&u.d, src)
	unpackHalves(&u.dm, src[32:])
	unpackNibbles(u, src[128:], 0)
	addFifth(u, src[64:])
}

func unpackQ80(u *unit, src []byte) {
	unpackHalves(&u.d, src)
	unpackCodes(u, src[32:])
}

// unpackCodes reads 8 vec of code+128.
func unpackCodes(u *unit, src []byte) {
	for v := range 8 {
		for r := range Group {
			for k, x := range src[64*v+4*r:][:4] {
				u.q[r][4*v+k] = int8(x ^ 0x80)
			}
		}
	}
}

func unpackIQ4NL(u *unit, src []byte) {
	unpackHalves(&u.d, src)
	unpackNibbles(u, src[32:], 0)
	u.lookup(32, &tableIQ4NL)
}

// unpackMXFP4 reads exponents e as 2^(e-128): the lower limit keeps the scales
// of e = 0 and 1, which are subnormal, right.
func unpackMXFP4(u *unit, src []byte) {
	for r := range Group {
		bits := max(uint32(src[r])<<23, 1<<22)
		u.d[r] = math.Float32frombits(bits) * 0.5
	}
	unpackNibbles(u, src[16:], 0)
	u.lookup(32, &tableFP4)
}
