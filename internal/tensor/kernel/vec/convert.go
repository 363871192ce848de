package vec

import "github.com/holdfast-llm/holdfast/internal/tensor/num"

// F32ToF16 converts to half precision, to nearest, ties to even. What is too
// large becomes infinite.
func F32ToF16(dst []uint16, x []float32) {
	check("F32ToF16", len(dst), len(x))
	f32ToF16(dst, x)
}

func f32ToF16Go(dst []uint16, x []float32) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = num.F32ToF16(v)
	}
}

// F16ToF32 converts from half precision, exactly.
func F16ToF32(dst []float32, x []uint16) {
	check("F16ToF32", len(dst), len(x))
	f16ToF32(dst, x)
}

func f16ToF32Go(dst []float32, x []uint16) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = num.F16ToF32(v)
	}
}

// F32ToBF16 converts to bfloat16, to nearest, ties to even.
func F32ToBF16(dst []uint16, x []float32) {
	check("F32ToBF16", len(dst), len(x))
	f32ToBF16(dst, x)
}

func f32ToBF16Go(dst []uint16, x []float32) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = num.F32ToBF16(v)
	}
}

// BF16ToF32 converts from bfloat16, exactly: the upper half of a float32.
func BF16ToF32(dst []float32, x []uint16) {
	check("BF16ToF32", len(dst), len(x))
	bf16ToF32(dst, x)
}

func bf16ToF32Go(dst []float32, x []uint16) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = num.BF16ToF32(v)
	}
}

// DotF16 returns the sum of a[i]*b[i] with b in half precision.
func DotF16(a []float32, b []uint16) float32 {
	check("DotF16", len(a), len(b))
	return dotF16(a, b)
}

func dotF16Go(a []float32, b []uint16) float32 {
	var s0, s1 float32
	for len(a) >= 2 && len(b) >= 2 {
		s0 += a[0] * num.F16ToF32(b[0])
		s1 += a[1] * num.F16ToF32(b[1])
		a, b = a[2:], b[2:]
	}
	for i, x := range a {
		s0 += x * num.F16ToF32(b[i])
	}
	return s0 + s1
}
