//go:build !noasm

package vec

func dot(a, b []float32) float32 {
	if !fast() {
		return dotGo(a, b)
	}
	var sum float32
	n := whole(len(a))
	if n > 0 {
		sum = dotN(&a[0], &b[0], n)
	}
	if n < len(a) {
		var ta, tb [vector]float32
		copy(ta[:], a[n:])
		copy(tb[:], b[n:])
		sum += dotN(&ta[0], &tb[0], vector)
	}
	return sum
}

func dotN(a, b *float32, n int) float32 {
	if useAVX512 {
		return dotAVX512(a, b, n)
	}
	return dotAVX2(a, b, n)
}

func dotF16(a []float32, b []uint16) float32 {
	if !fast() {
		return dotF16Go(a, b)
	}
	var sum float32
	n := whole(len(a))
	if n > 0 {
		sum = dotF16N(&a[0], &b[0], n)
	}
	if n < len(a) {
		var ta [vector]float32
		var tb [vector]uint16
		copy(ta[:], a[n:])
		copy(tb[:], b[n:])
		sum += dotF16N(&ta[0], &tb[0], vector)
	}
	return sum
}

func dotF16N(a *float32, b *uint16, n int) float32 {
	if useAVX512 {
		return dotF16AVX512(a, b, n)
	}
	return dotF16AVX2(a, b, n)
}

func axpy(dst []float32, a float32, x []float32) {
	if !fast() {
		axpyGo(dst, a, x)
		return
	}
	n := whole(len(x))
	if n > 0 {
		axpyN(&dst[0], &x[0], n, a)
	}
	if n < len(x) {
		var td, tx [vector]float32
		copy(td[:], dst[n:])
		copy(tx[:], x[n:])
		axpyN(&td[0], &tx[0], vector, a)
		copy(dst[n:], td[:])
	}
}

func axpyN(dst, x *float32, n int, a float32) {
	if useAVX512 {
		axpyAVX512(dst, x, n, a)
	} else {
		axpyAVX2(dst, x, n, a)
	}
}

func axpyRelu(dst []float64, a float32, x []float32) {
	n := vectors(len(x))
	if n > 0 {
		if useAVX512 {
			axpyReluAVX512(&dst[0], &x[0], n, a)
		} else {
			axpyReluAVX2(&dst[0], &x[0], n, a)
		}
	}
	axpyReluGo(dst[n:], a, x[n:])
}

func add(dst, x []float32) {
	n := vectors(len(x))
	if n > 0 {
		if useAVX512 {
			addAVX512(&dst[0], &x[0], n)
		} else {
			addAVX2(&dst[0], &x[0], n)
		}
	}
	addGo(dst[n:], x[n:])
}

func mul(dst, x []float32) {
	n := vectors(len(x))
	if n > 0 {
		if useAVX512 {
			mulAVX512(&dst[0], &x[0], n)
		} else {
			mulAVX2(&dst[0], &x[0], n)
		}
	}
	mulGo(dst[n:], x[n:])
}

func scaleTo(dst, x []float32, a float32) {
	n := vectors(len(x))
	if n > 0 {
		if useAVX512 {
			scaleToAVX512(&dst[0], &x[0], n, a)
		} else {
			scaleToAVX2(&dst[0], &x[0], n, a)
		}
	}
	scaleToGo(dst[n:], x[n:], a)
}

func scaleMul(dst, x []float32, a float32, w []float32) {
	n := vectors(len(x))
	if n > 0 {
		if useAVX512 {
			scaleMulAVX512(&dst[0], &x[0], &w[0], n, a)
		} else {
			scaleMulAVX2(&dst[0], &x[0], &w[0], n, a)
		}
	}
	scaleMulGo(dst[n:], x[n:], a, w[n:])
}

func maxOf(x []float32) float32 {
	n := vectors(len(x))
	if n == 0 {
		return maxGo(x)
	}
	var m float32
	if useAVX512 {
		m = maxOfAVX512(&x[0], n)
	} else {
		m = maxOfAVX2(&x[0], n)
	}
	return max(m, maxGo(x[n:]))
}

func sumSquares(x []float32) float64 {
	n := vectors(len(x))
	if n == 0 {
		return sumSquaresGo(x)
	}
	var sum float64
	if useAVX512 {
		sum = sumSquaresAVX512(&x[0], n)
	} else {
		sum = sumSquaresAVX2(&x[0], n)
	}
	return sum + sumSquaresGo(x[n:])
}
