package quant

// In the encoders, products are converted to float32 before anything is added
// to them: it forbids the compiler to fuse the two, so that every machine
// makes the same blocks.

// pairs packs 32 codes below 16 as nibbles, elements i and i+16 together.
func pairs(dst []byte, q *[32]uint8) {
	for i := range 16 {
		dst[i] = q[i]&15 | q[i+16]<<4
	}
}

// fifths packs the fifth bits of 32 codes.
func fifths(dst []byte, q *[32]uint8) {
	clear(dst[:4])
	for i, v := range q {
		dst[i/8] |= v >> 4 & 1 << (i % 8)
	}
}

// centred gives codes 0..2*half-1 for x/d + half, where the element of largest
// magnitude becomes code 0: the side of the range that has one code more.
func centred(x []float32, half int) (d float32, q [32]uint8) {
	_, _, peak := extremes(x)
	d = peak / -float32(half)
	id := inverse(d)
	for i, v := range x[:32] {
		q[i] = uint8(clamp(float32(v*id)+float32(half)+0.5, 0, 2*half-1))
	}
	return d, q
}

// ranged gives codes 0..top for (x-m)/d, from the smallest to the largest.
func ranged(x []float32, top int) (d, m float32, q [32]uint8) {
	lo, hi, _ := extremes(x)
	d = (hi - lo) / float32(top)
	id := inverse(d)
	for i, v := range x[:32] {
		q[i] = uint8(clamp(float32((v-lo)*id)+0.5, 0, top))
	}
	return d, lo, q
}

func encodeQ4_0(dst []byte, src []float32) {
	for ; len(src) >= 32; src, dst = src[32:], dst[18:] {
		d, q := centred(src[:32], 8)
		putHalf(dst, d)
		pairs(dst[2:], &q)
	}
}

func encodeQ4_1(dst []byte, src []float32) {
	for ; len(src) >= 32; src, dst = src[32:], dst[20:] {
		d, m, q := ranged(src[:32], 15)
		putHalf(dst, d)
		putHalf(dst[2:], m)
		pairs(dst[4:], &q)
	}
}

func encodeQ5_0(dst []byte, src []float32) {
	for ; len(src) >= 32; src, dst = src[32:], dst[22:] {
		d, q := centred(src[:32], 16)
		putHalf(dst, d)
		fifths(dst[2:], &q)
		pairs(dst[6:], &q)
	}
}

func encodeQ5_1(dst []byte, src []float32) {
	for ; len(src) >= 32; src, dst = src[32:], dst[24:] {
		d, m, q := ranged(src[:32], 31)
		putHalf(dst, d)
		putHalf(dst[2:], m)
		fifths(dst[4:], &q)
		pairs(dst[8:], &q)
	}
}

// bytes127 writes 32 codes -127..127 and returns the step and their sum.
func bytes127(dst []byte, x []float32) (d float32, sum int) {
	_, _, peak := extremes(x)
	d = abs(peak) / 127
	id := inverse(d)
	for i, v := range x[:32] {
		q := round(v*id, -127, 127)
		sum += q
		dst[i] = uint8(int8(q))
	}
	return d, sum
}

func encodeQ8_0(dst []byte, src []float32) {
	for ; len(src) >= 32; src, dst = src[32:], dst[34:] {
		d, _ := bytes127(dst[2:], src[:32])
		putHalf(dst, d)
	}
}

func encodeQ8_1(dst []byte, src []float32) {
	for ; len(src) >= 32; src, dst = src[32:], dst[36:] {
		d, sum := bytes127(dst[4:], src[:32])
		putHalf(dst, d)
		putHalf(dst[2:], d*float32(sum))
	}
}
