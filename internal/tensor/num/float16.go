package num

import "math"

// F16ToF32 returns the value of an IEEE 754 binary16 number. The result is
// exact. A signalling NaN becomes quiet, as with the F16C instructions.
func F16ToF32(h uint16) float32 {
	// Moved to where float32 has them, exponent and mantissa mean the wanted
	// number times 2^(15-127), also where both formats are subnormal; and a
	// multiplication by a power of two is exact. Small enough to be inlined.
	b := uint32(h)
	f := math.Float32frombits(b&0x7FFF<<13) * (1 << 112)
	r := math.Float32bits(f) | b&0x8000<<16
	if b&0x7C00 == 0x7C00 { // infinity or NaN
		r |= 0x7F800000
		if b&0x3FF != 0 {
			r |= 1 << 22
		}
	}
	return math.Float32frombits(r)
}

// F32ToF16 rounds f to the nearest IEEE 754 binary16 number, ties to even.
// Values from 65520 up become infinity; a NaN stays a (quiet) NaN with the
// upper bits of its payload.
func F32ToF16(f float32) uint16 {
	b := math.Float32bits(f)
	sign := uint16(b>>16) & 0x8000
	b &= 0x7FFFFFFF
	switch {
	case b > 0x7F800000: // NaN
		return sign | 0x7E00 | uint16(b>>13)&0x3FF
	case b >= 0x477FF000: // 65520 and more, infinity too
		return sign | 0x7C00
	case b < 0x38800000: // below 2^-14: subnormal or zero
		// Adding 0.5 aligns the mantissa so that its last bit weighs
		// 2^-24, the step of the subnormals; the addition rounds to even.
		r := math.Float32frombits(b) + 0.5
		return sign | uint16(math.Float32bits(r)-0x3F000000)
	}
	// Rebias the exponent by 112, round away 13 mantissa bits. A carry out
	// of the mantissa goes into the exponent, which is what is wanted.
	odd := b >> 13 & 1
	return sign | uint16((b-112<<23+0xFFF+odd)>>13)
}

// BF16ToF32 returns the value of a bfloat16 number, which is the upper half
// of a float32.
func BF16ToF32(h uint16) float32 {
	return math.Float32frombits(uint32(h) << 16)
}

// F32ToBF16 rounds f to the nearest bfloat16 number, ties to even. A NaN
// stays a (quiet) NaN.
func F32ToBF16(f float32) uint16 {
	b := math.Float32bits(f)
	if b&0x7FFFFFFF > 0x7F800000 {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7FFF + b>>16&1) >> 16)
}
