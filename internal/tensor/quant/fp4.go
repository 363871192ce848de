package quant

import "github.com/holdfast-llm/holdfast/internal/tensor/num"

// The FP4 formats hold E2M1 numbers (sign, two exponent bits, one mantissa
// bit): 0, 0.5, 1, 1.5, 2, 3, 4, 6. Doubled they are integers, and so the
// codes are doubled and the scales halved.

// fp4Values are the doubled values. Negative zero reads as zero.
var fp4Values = [16]int8{0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12}

// unpackMXFP4 reads an E8M0 scale byte and 16 nibble pairs (OCP MXFP4, but
// with elements i and i+16 in a byte).
func unpackMXFP4(src []byte, q []int8, scale, _ []float32) {
	for i := 0; len(src) >= 17; i += 2 {
		d := num.E8M0HalfToF32(src[0])
		scale[i], scale[i+1] = d, d
		nibbles(q, src[1:17], &fp4Values)
		src, q = src[17:], q[32:]
	}
}

// unpackNVFP4 reads four UE4M3 scale bytes, one per 16 elements, and four
// times 8 nibble pairs, elements i and i+8 in a byte. A tensor may have a
// further factor in a tensor of its own, which is not part of the block.
func unpackNVFP4(src []byte, q []int8, scale, _ []float32) {
	for len(src) >= 36 {
		for s := range 4 {
			scale[s] = num.UE4M3ToF32(src[s]) * 0.5
			lo, hi := q[16*s:16*s+8], q[16*s+8:16*s+16]
			for i, b := range src[4+8*s : 12+8*s] {
				lo[i], hi[i] = fp4Values[b&15], fp4Values[b>>4]
			}
		}
		src, q, scale = src[36:], q[64:], scale[4:]
	}
}
