//go:build !noasm

package vec

func ropeNorm(x, cs []float32) {
	if !fast() {
		ropeNormGo(x, cs)
		return
	}
	n := whole(len(x))
	if n > 0 {
		ropeNormN(&x[0], &cs[0], n)
	}
	if n < len(x) {
		var tx, tc [vector]float32
		copy(tx[:], x[n:])
		copy(tc[:], cs[n:])
		ropeNormN(&tx[0], &tc[0], vector)
		copy(x[n:], tx[:])
	}
}

func ropeNormN(x, cs *float32, n int) {
	if useAVX512 {
		ropeNormAVX512(x, cs, n)
	} else {
		ropeNormAVX2(x, cs, n)
	}
}

func ropeNeox(x, cs []float32) {
	if !fast() {
		ropeNeoxGo(x, cs)
		return
	}
	half := len(x) / 2
	lo, hi := x[:half], x[half:]
	n := whole(half)
	if n > 0 {
		ropeNeoxN(&lo[0], &hi[0], &cs[0], n)
	}
	if n < half {
		var tl, th [vector]float32
		var tc [2 * vector]float32
		copy(tl[:], lo[n:])
		copy(th[:], hi[n:])
		copy(tc[:], cs[2*n:])
		ropeNeoxN(&tl[0], &th[0], &tc[0], vector)
		copy(lo[n:], tl[:])
		copy(hi[n:], th[:])
	}
}

func ropeNeoxN(lo, hi, cs *float32, n int) {
	if useAVX512 {
		ropeNeoxAVX512(lo, hi, cs, n)
	} else {
		ropeNeoxAVX2(lo, hi, cs, n)
	}
}
