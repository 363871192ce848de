//go:build !noasm

package vec

func expSub(dst, x []float32, m float32) float32 {
	if !fast() {
		return expSubGo(dst, x, m)
	}
	var sum float64
	n := whole(len(x))
	if n > 0 {
		sum = expSubN(&dst[0], &x[0], n, m)
	}
	if n < len(x) {
		var t [vector]float32
		copy(t[:], x[n:])
		expSubN(&t[0], &t[0], vector, m)
		copy(dst[n:], t[:])
		for _, e := range dst[n:] {
			sum += float64(e)
		}
	}
	return float32(sum)
}

func expSubN(dst, x *float32, n int, m float32) float64 {
	if useAVX512 {
		return expSubAVX512(dst, x, n, m)
	}
	return expSubAVX2(dst, x, n, m)
}

func sigmoid(dst, x []float32) {
	if !fast() {
		sigmoidGo(dst, x)
		return
	}
	n := whole(len(x))
	if n > 0 {
		sigmoidN(&dst[0], &x[0], n)
	}
	if n < len(x) {
		var t [vector]float32
		copy(t[:], x[n:])
		sigmoidN(&t[0], &t[0], vector)
		copy(dst[n:], t[:])
	}
}

func sigmoidN(dst, x *float32, n int) {
	if useAVX512 {
		sigmoidAVX512(dst, x, n)
	} else {
		sigmoidAVX2(dst, x, n)
	}
}

func swiglu(dst, gate, up []float32) {
	if !fast() {
		swigluGo(dst, gate, up)
		return
	}
	n := whole(len(gate))
	if n > 0 {
		swigluN(&dst[0], &gate[0], &up[0], n)
	}
	if n < len(gate) {
		var tg, tu [vector]float32
		copy(tg[:], gate[n:])
		copy(tu[:], up[n:])
		swigluN(&tg[0], &tg[0], &tu[0], vector)
		copy(dst[n:], tg[:])
	}
}

func swigluN(dst, gate, up *float32, n int) {
	if useAVX512 {
		swigluAVX512(dst, gate, up, n)
	} else {
		swigluAVX2(dst, gate, up, n)
	}
}
