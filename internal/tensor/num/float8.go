package num

import "math"

// e4m3Max is the largest finite E4M3 number, 1.75 * 2^8.
const e4m3Max = 448

// E4M3ToF32 returns the value of an FP8 E4M3 number. Both 0x7F and 0xFF are
// NaN; there is no infinity.
func E4M3ToF32(b uint8) float32 {
	if b&0x7F == 0x7F {
		return float32(math.NaN())
	}
	v := e4m3Magnitude(b & 0x7F)
	if b&0x80 != 0 {
		return -v
	}
	return v
}

// F32ToE4M3 rounds f to the nearest FP8 E4M3 number, ties to even. Values
// beyond 448 in size, infinities too, saturate to 448, since the format has
// no infinity. A NaN becomes 0x7F or 0xFF.
func F32ToE4M3(f float32) uint8 {
	sign := uint8(math.Float32bits(f)>>24) & 0x80
	if f != f {
		return sign | 0x7F
	}
	return sign | e4m3Encode(float32(math.Abs(float64(f))))
}

// UE4M3ToF32 returns the value of an unsigned E4M3 number, the scale of an
// NVFP4 sub-block. The top bit is not looked at, except that only the exact
// byte 0x7F is the special value, which reads as zero.
func UE4M3ToF32(b uint8) float32 {
	if b == 0x7F {
		return 0
	}
	return e4m3Magnitude(b & 0x7F)
}

// F32ToUE4M3 rounds f to the nearest unsigned E4M3 number, ties to even.
// Values above 448 saturate; negative values and NaN become zero.
func F32ToUE4M3(f float32) uint8 {
	if !(f > 0) {
		return 0
	}
	return e4m3Encode(f)
}

// e4m3Magnitude decodes the lower seven bits of an E4M3 number. The pattern
// 0x7F gives 480, the value it would have if it were not reserved.
func e4m3Magnitude(b uint8) float32 {
	exp, man := uint32(b>>3), uint32(b&7)
	if exp == 0 {
		return float32(man) * (1.0 / 512) // subnormal: steps of 2^-9
	}
	return math.Float32frombits((exp+120)<<23 | man<<20)
}

// e4m3Encode rounds f, which is not negative and not NaN, to seven bits.
func e4m3Encode(f float32) uint8 {
	if f >= e4m3Max {
		return 0x7E
	}
	b := math.Float32bits(f)
	if b < 121<<23 { // below 2^-6: subnormal
		// Adding 2^14 makes the last mantissa bit weigh 2^-9.
		return uint8(math.Float32bits(f+1<<14) - math.Float32bits(1<<14))
	}
	odd := b >> 20 & 1
	r := uint8((b - 120<<23 + 0x7FFFF + odd) >> 20)
	return min(r, 0x7E)
}

// E8M0ToF32 returns 2^(e-127), the scale of an OCP microscaling block. The
// byte 255 is NaN.
func E8M0ToF32(e uint8) float32 {
	switch e {
	case 0:
		return math.Float32frombits(1 << 22) // 2^-127 is subnormal in float32
	case 255:
		return float32(math.NaN())
	}
	return math.Float32frombits(uint32(e) << 23)
}

// E8M0HalfToF32 returns 2^(e-128), half the value of E8M0ToF32. GGUF's MXFP4
// stores doubled FP4 codes, which are integers, and so wants half the scale.
// The byte 255 is 2^127 here: the format does not treat it as NaN.
func E8M0HalfToF32(e uint8) float32 {
	if e < 2 {
		return math.Float32frombits(1 << (21 + e))
	}
	return math.Float32frombits(uint32(e-1) << 23)
}

// F32ToE8M0 returns the exponent byte of the largest power of two that is not
// above f, the rule by which the OCP specification picks block scales.
// Values below 2^-127, zero and negative values give 0; NaN and infinity
// give 255.
func F32ToE8M0(f float32) uint8 {
	b := math.Float32bits(f)
	switch {
	case f != f || b == 0x7F800000:
		return 255
	case f <= 0:
		return 0
	}
	return uint8(b >> 23) // the exponent field; 0 for 2^-127 and what is below
}
