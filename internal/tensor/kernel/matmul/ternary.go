package matmul

import "github.com/holdfast-llm/holdfast/internal/tensor/num"

// TQ1_0 and TQ2_0 have codes -1, 0 and 1 with one scale per 256 columns, NVFP4
// has four-bit floats with a scale per 16.

func packTQ2(dst, src []byte, stride, n int) {
	gather16(dst, src[64:], stride, n)
	gather(dst[32:], 64, src, stride, n, 16)
}

func unpackTQ2(u *unit, src []byte) {
	unpackHalves(&u.d, src)
	for v := range 16 {
		unpackTwoBits(u, src[32+64*v:], v/8, v%8)
	}
	u.ternary()
}

// ternary turns codes 0, 1 and 2 into -1, 0 and 1, without scales.
func (u *unit) ternary() {
	u.add(256, -1)
	for b := range u.scale {
		for r := range Group {
			u.scale[b][r] = 1
		}
	}
}

func packTQ1(dst, src []byte, stride, n int) {
	gather16(dst, src[52:], stride, n)
	gather(dst[32:], 64, src, stride, n, 13)
}

// unpackTQ1 reads bytes that are fractions b/256 in base 3: the next digit is the
// whole part of three times the fraction.
func unpackTQ1(u *unit, src []byte) {
	unpackHalves(&u.d, src)
	for v := range 13 {
		c, step, digits := tq1Columns(v)
		for r := range Group {
			for k, b := range src[32+64*v+4*r:][:4] {
				for i := range digits {
					x := 3 * uint16(b)
					u.q[r][c+step*i+k] = int8(x >> 8)
					b = byte(x)
				}
			}
		}
	}
	u.ternary()
}

// tq1Columns returns the first column of the first digits of vec v, the distance
// to those of the next digits, and the number of digits.
func tq1Columns(v int) (first, step, digits int) {
	switch {
	case v < 8:
		return 4 * v, 32, 5
	case v < 12:
		return 160 + 4*(v-8), 16, 5
	}
	return 240, 4, 4
}

// packNVFP4 packs a block of 64 columns: two units.
func packNVFP4(dst, src []byte, stride, n int) {
	for h := range 2 {
		to := dst[288*h:][:288]
		for r := range n {
			to[r], to[16+r] = scaleNVFP4(src[r*stride+2*h]), scaleNVFP4(src[r*stride+2*h+1])
		}
		gather(to[32:], 64, src[4+16*h:], stride, n, 4)
	}
}

// scaleNVFP4 makes a scale readable as exponent and mantissa alone: 0x7f means
// zero in the file, and the sign means nothing.
func scaleNVFP4(b byte) byte {
	if b == 0x7f {
		return 0
	}
	return b & 0x7f
}

func unpackNVFP4(u *unit, src []byte) {
	for r := range Group {
		u.d[r], u.dm[r] = ue4m3(src[r])*0.5, ue4m3(src[16+r])*0.5
		for v := range 4 {
			q := u.q[r][16*(v/2)+4*(v%2):][:12]
			putNibbles(q, q[8:], getU32(src[32+64*v+4*r:]))
		}
	}
	u.lookup(32, &tableFP4)
}

// ue4m3 decodes what scaleNVFP4 returns.
func ue4m3(b byte) float32 {
	if b == 0x7f {
		return num.UE4M3ToF32(0xff) // 480, what the pattern would mean if it were not reserved
	}
	return num.UE4M3ToF32(b)
}
