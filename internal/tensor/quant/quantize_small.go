package quant

import (
	"math"

	"github.com/holdfast-llm/holdfast/internal/tensor/num"
)

// encodeIQ4NL scales the element of largest magnitude to -127, the larger end
// of the table, and takes the nearest entry for each.
func encodeIQ4NL(dst []byte, src []float32) {
	for ; len(src) >= 32; src, dst = src[32:], dst[18:] {
		_, _, peak := extremes(src[:32])
		d := putHalf(dst, peak/float32(iq4Values[0]))
		id := inverse(d)
		var q [32]uint8
		for i, v := range src[:32] {
			q[i] = nearestIQ4(v * id)
		}
		pairs(dst[2:], &q)
	}
}

// nearestIQ4 returns the index of the table entry nearest to x.
func nearestIQ4(x float32) uint8 {
	for i := range iq4Values[:15] {
		if 2*x <= float32(int(iq4Values[i])+int(iq4Values[i+1])) {
			return uint8(i)
		}
	}
	return 15
}

// nearestFP4 returns the code of the doubled FP4 number nearest to x; of two
// that are equally near, the smaller.
func nearestFP4(x float32) uint8 {
	a := abs(x)
	for i := range fp4Values[:7] {
		if 2*a <= float32(fp4Values[i]+fp4Values[i+1]) {
			if x < 0 && i > 0 {
				return uint8(i) + 8
			}
			return uint8(i)
		}
	}
	if x < 0 {
		return 15
	}
	return 7
}

// encodeMXFP4 picks the power of two that brings the largest magnitude into
// 4..8, in which 6 is the largest FP4 number.
func encodeMXFP4(dst []byte, src []float32) {
	for ; len(src) >= 32; src, dst = src[32:], dst[17:] {
		_, _, peak := extremes(src[:32])
		e := int(math.Float32bits(abs(peak))>>23) - 2
		dst[0] = uint8(max(0, min(e, 252)))
		d := float64(num.E8M0HalfToF32(dst[0])) // its inverse may not fit a float32
		var q [32]uint8
		for i, v := range src[:32] {
			q[i] = nearestFP4(float32(float64(v) / d))
		}
		pairs(dst[1:], &q)
	}
}

// encodeNVFP4 scales the largest magnitude of each 16 elements to 6, as
// nearly as the scale's own format allows.
func encodeNVFP4(dst []byte, src []float32) {
	for ; len(src) >= 64; src, dst = src[64:], dst[36:] {
		for s := range 4 {
			x, o := src[16*s:16*s+16], dst[4+8*s:12+8*s]
			_, _, peak := extremes(x)
			dst[s] = num.F32ToUE4M3(abs(peak) / 6)
			id := inverse(num.UE4M3ToF32(dst[s]) * 0.5)
			for i := range o {
				o[i] = nearestFP4(x[i]*id) | nearestFP4(x[i+8]*id)<<4
			}
		}
	}
}

// ternary gives codes 0..2 for -1, 0 and 1 times the largest magnitude.
func ternary(x []float32) (d float32, q [superBlock]uint8) {
	_, _, peak := extremes(x[:superBlock])
	d = abs(peak)
	id := inverse(d)
	for i, v := range x[:superBlock] {
		q[i] = uint8(round(v*id, -1, 1) + 1)
	}
	return d, q
}

func encodeTQ2(dst []byte, src []float32) {
	for ; len(src) >= superBlock; src, dst = src[superBlock:], dst[66:] {
		d, q := ternary(src)
		packPairs(dst[:64], q[:])
		putHalf(dst[64:], d)
	}
}

// encodeTQ1 writes numbers of five (at last four) base-3 digits as fractions
// of 256, rounded up so that taking digits off by multiplication is exact.
func encodeTQ1(dst []byte, src []float32) {
	pack := func(o []byte, q []uint8, digits int) {
		for i := range o {
			v := 0
			for n := range 5 {
				v *= 3
				if n < digits {
					v += int(q[n*len(o)+i])
				}
			}
			o[i] = uint8((v*256 + 242) / 243)
		}
	}
	for ; len(src) >= superBlock; src, dst = src[superBlock:], dst[54:] {
		d, q := ternary(src)
		pack(dst[:32], q[:160], 5)
		pack(dst[32:48], q[160:240], 5)
		pack(dst[48:52], q[240:], 4)
		putHalf(dst[52:], d)
	}
}
