package quant

// The ternary formats hold codes -1, 0 and 1 with one f16 scale per 256.

// trits writes digit n of each byte of qs: the bytes are fractions b/256
// written in base 3, so multiplying by 3^n modulo 256 drops the first n digits,
// and the next one is the whole part of three times what is left.
func trits(q []int8, qs []byte, pow uint8) {
	q = q[:len(qs)]
	for i, b := range qs {
		q[i] = int8(uint16(b*pow)*3>>8) - 1
	}
}

// unpackTQ1 reads 48 bytes of five digits each (32 of them give the first 160
// elements, 16 the next 80), 4 bytes of four digits each, d. All first digits
// come first, then all second ones.
func unpackTQ1(src []byte, q []int8, scale, _ []float32) {
	for len(src) >= 54 {
		d := half(src[52:])
		for i := range scale[:16] {
			scale[i] = d
		}
		pow := uint8(1)
		for n := range 5 {
			trits(q[32*n:], src[:32], pow)
			trits(q[160+16*n:], src[32:48], pow)
			if n < 4 {
				trits(q[240+4*n:], src[48:52], pow)
			}
			pow *= 3
		}
		src, q, scale = src[54:], q[superBlock:], scale[16:]
	}
}

// unpackTQ2 reads 64 bytes of 2-bit codes in the order of Q2_K, d. No
// encoder writes the code 3; it reads as 2.
func unpackTQ2(src []byte, q []int8, scale, _ []float32) {
	out := bytesOf(q)
	for len(src) >= 66 {
		d := half(src[64:])
		for i := range scale[:16] {
			scale[i] = d
		}
		for h := range 2 {
			qs, o := src[32*h:32*h+32], out[128*h:128*h+128]
			for i := 0; i < 32; i += 8 {
				x := load64(qs[i:])
				store64(o[i:], sub(x&low2, low1))
				store64(o[i+32:], sub(x>>2&low2, low1))
				store64(o[i+64:], sub(x>>4&low2, low1))
				store64(o[i+96:], sub(x>>6&low2, low1))
			}
		}
		src, out, scale = src[66:], out[superBlock:], scale[16:]
	}
}
