//go:build !noasm

package vec

func f32ToF16(dst []uint16, x []float32) {
	n := vectors(len(x))
	if n > 0 {
		if useAVX512 {
			f32ToF16AVX512(&dst[0], &x[0], n)
		} else {
			f32ToF16AVX2(&dst[0], &x[0], n)
		}
	}
	f32ToF16Go(dst[n:], x[n:])
}

func f16ToF32(dst []float32, x []uint16) {
	n := vectors(len(x))
	if n > 0 {
		if useAVX512 {
			f16ToF32AVX512(&dst[0], &x[0], n)
		} else {
			f16ToF32AVX2(&dst[0], &x[0], n)
		}
	}
	f16ToF32Go(dst[n:], x[n:])
}

func f32ToBF16(dst []uint16, x []float32) {
	n := vectors(len(x))
	if n > 0 {
		if useAVX512 {
			f32ToBF16AVX512(&dst[0], &x[0], n)
		} else {
			f32ToBF16AVX2(&dst[0], &x[0], n)
		}
	}
	f32ToBF16Go(dst[n:], x[n:])
}

func bf16ToF32(dst []float32, x []uint16) {
	n := vectors(len(x))
	if n > 0 {
		if useAVX512 {
			bf16ToF32AVX512(&dst[0], &x[0], n)
		} else {
			bf16ToF32AVX2(&dst[0], &x[0], n)
		}
	}
	bf16ToF32Go(dst[n:], x[n:])
}
