package quant

import "github.com/holdfast-llm/holdfast/internal/tensor/num"

// The oldest formats: blocks of 32 elements with one f16 scale d, those named
// _1 with an f16 minimum m too. Nibbles hold element i (low) and i+16 (high).

// half returns the f16 at the start of b.
func half(b []byte) float32 { return num.F16ToF32(load16(b)) }

// unpackQ4_0 reads d, 16 nibble pairs: y = d*(q-8).
func unpackQ4_0(src []byte, q []int8, scale, _ []float32) {
	out := bytesOf(q)
	for i := 0; len(src) >= 18; i += 2 {
		b, o := src[:18], out[:32]
		d := half(b)
		scale[i], scale[i+1] = d, d
		x, y := load64(b[2:]), load64(b[10:])
		store64(o, sub(x&low4, each(8)))
		store64(o[8:], sub(y&low4, each(8)))
		store64(o[16:], sub(x>>4&low4, each(8)))
		store64(o[24:], sub(y>>4&low4, each(8)))
		src, out = src[18:], out[32:]
	}
}

// unpackQ4_1 reads d, m, 16 nibble pairs: y = d*q + m.
func unpackQ4_1(src []byte, q []int8, scale, min []float32) {
	out := bytesOf(q)
	for i := 0; len(src) >= 20; i += 2 {
		b, o := src[:20], out[:32]
		d, m := half(b), half(b[2:])
		scale[i], scale[i+1] = d, d
		min[i], min[i+1] = m, m
		x, y := load64(b[4:]), load64(b[12:])
		store64(o, x&low4)
		store64(o[8:], y&low4)
		store64(o[16:], x>>4&low4)
		store64(o[24:], y>>4&low4)
		src, out = src[20:], out[32:]
	}
}

// fives writes the 32 five-bit codes of a Q5 block, less c: the low four bits
// are nibbles, the fifth bit of element i is bit i of the four bytes of qh.
func fives(o, qh, qs []byte, c uint64) {
	_, _, _ = o[31], qh[3], qs[15]
	x, y := load64(qs), load64(qs[8:])
	store64(o, sub(x&low4|spread(qh[0])<<4, c))
	store64(o[8:], sub(y&low4|spread(qh[1])<<4, c))
	store64(o[16:], sub(x>>4&low4|spread(qh[2])<<4, c))
	store64(o[24:], sub(y>>4&low4|spread(qh[3])<<4, c))
}

// unpackQ5_0 reads d, qh, 16 nibble pairs: y = d*(q-16).
func unpackQ5_0(src []byte, q []int8, scale, _ []float32) {
	out := bytesOf(q)
	for i := 0; len(src) >= 22; i += 2 {
		d := half(src)
		scale[i], scale[i+1] = d, d
		fives(out, src[2:6], src[6:22], each(16))
		src, out = src[22:], out[32:]
	}
}

// unpackQ5_1 reads d, m, qh, 16 nibble pairs: y = d*q + m.
func unpackQ5_1(src []byte, q []int8, scale, min []float32) {
	out := bytesOf(q)
	for i := 0; len(src) >= 24; i += 2 {
		d, m := half(src), half(src[2:])
		scale[i], scale[i+1] = d, d
		min[i], min[i+1] = m, m
		fives(out, src[4:8], src[8:24], 0)
		src, out = src[24:], out[32:]
	}
}

// unpackQ8_0 reads d, 32 int8: y = d*q.
func unpackQ8_0(src []byte, q []int8, scale, _ []float32) {
	out := bytesOf(q)
	for i := 0; len(src) >= 34; i += 2 {
		d := half(src)
		scale[i], scale[i+1] = d, d
		copy(out[:32], src[2:34])
		src, out = src[34:], out[32:]
	}
}

// unpackQ8_1 reads d, s, 32 int8: y = d*q. s = d*sum(q) serves dot products
// with types that have a minimum, and is not needed here.
func unpackQ8_1(src []byte, q []int8, scale, _ []float32) {
	out := bytesOf(q)
	for i := 0; len(src) >= 36; i += 2 {
		d := half(src)
		scale[i], scale[i+1] = d, d
		copy(out[:32], src[4:36])
		src, out = src[36:], out[32:]
	}
}
