package quant

import "math"

// The K formats: super-blocks of 256 elements, whose sub-blocks of 16 or 32
// have small integer scales (and minimums), which one f16 d (and dmin) turns
// into real ones.

// unpackQ2K reads 16 bytes of scale (low nibble) and min (high nibble), 64
// bytes of 2-bit codes, d, dmin. Each half of 32 bytes holds 128 elements:
// bits 0-1 of its bytes the first 32, bits 2-3 the next 32, and so on.
func unpackQ2K(src []byte, q []int8, scale, min []float32) {
	out := bytesOf(q)
	for len(src) >= 84 {
		d, dmin := half(src[80:]), half(src[82:])
		for i, s := range src[:16] {
			scale[i] = d * float32(s&15)
			min[i] = -(dmin * float32(s>>4))
		}
		for h := range 2 {
			qs, o := src[16+32*h:48+32*h], out[128*h:128*h+128]
			for i := 0; i < 32; i += 8 {
				x := load64(qs[i:])
				store64(o[i:], x&low2)
				store64(o[i+32:], x>>2&low2)
				store64(o[i+64:], x>>4&low2)
				store64(o[i+96:], x>>6&low2)
			}
		}
		src, out, scale, min = src[84:], out[superBlock:], scale[16:], min[16:]
	}
}

// unpackQ3K reads 32 bytes of third bits, 64 bytes of lower two bits in the
// order of Q2_K, 12 bytes of 16 six-bit scales, d. A third bit that is set
// means 0, a clear one -4. Bit 4h+k of mask byte i belongs to element i of
// quarter k of half h.
func unpackQ3K(src []byte, q []int8, scale, _ []float32) {
	out := bytesOf(q)
	for len(src) >= 110 {
		d := half(src[108:])
		sc := src[96:108]
		for i := range 16 {
			lo := sc[i%8] >> (i / 8 * 4) & 15
			hi := sc[8+i%4] >> (i / 4 * 2) & 3
			scale[i] = d * float32(int(lo|hi<<4)-32)
		}
		for h := range 2 {
			qs, o := src[32+32*h:64+32*h], out[128*h:128*h+128]
			for i := 0; i < 32; i += 8 {
				x, m := load64(qs[i:]), load64(src[i:])>>(4*h)
				store64(o[i:], sub(x&low2|m&low1<<2, each(4)))
				store64(o[i+32:], sub(x>>2&low2|m>>1&low1<<2, each(4)))
				store64(o[i+64:], sub(x>>4&low2|m>>2&low1<<2, each(4)))
				store64(o[i+96:], sub(x>>6&low2|m>>3&low1<<2, each(4)))
			}
		}
		src, out, scale = src[110:], out[superBlock:], scale[16:]
	}
}

// scales45 decodes the head of a Q4_K or Q5_K block: d, dmin and 12 bytes b
// that hold a six-bit scale and a six-bit min for each of eight sub-blocks.
// The first four have theirs in the low six bits of b[j] and b[j+4]; of the
// last four, b[j+4] has the low nibbles and the spare top bits of b[j-4] and
// b[j] the upper two bits.
func scales45(src []byte, scale, min []float32) {
	d, dmin := half(src), half(src[2:])
	b := src[4:16]
	_, _ = scale[15], min[15]
	for j := range 8 {
		var s, m uint8
		if j < 4 {
			s, m = b[j]&63, b[j+4]&63
		} else {
			s = b[j+4]&15 | b[j-4]>>6<<4
			m = b[j+4]>>4 | b[j]>>6<<4
		}
		ds, dm := d*float32(s), -(dmin * float32(m))
		scale[2*j], scale[2*j+1] = ds, ds
		min[2*j], min[2*j+1] = dm, dm
	}
}

// unpackQ4K reads d, dmin, scales, and 4 x 32 bytes of nibbles: the low ones
// are 32 elements, the high ones the next 32.
func unpackQ4K(src []byte, q []int8, scale, min []float32) {
	out := bytesOf(q)
	for len(src) >= 144 {
		scales45(src, scale, min)
		for p := range 4 {
			qs, o := src[16+32*p:48+32*p], out[64*p:64*p+64]
			for i := 0; i < 32; i += 8 {
				x := load64(qs[i:])
				store64(o[i:], x&low4)
				store64(o[i+32:], x>>4&low4)
			}
		}
		src, out, scale, min = src[144:], out[superBlock:], scale[16:], min[16:]
	}
}

// unpackQ5K is unpackQ4K with 32 bytes qh between: bit j of byte i is the
// fifth bit of element i of sub-block j.
func unpackQ5K(src []byte, q []int8, scale, min []float32) {
	out := bytesOf(q)
	for len(src) >= 176 {
		scales45(src, scale, min)
		qh := src[16:48]
		for p := range 4 {
			qs, o := src[48+32*p:80+32*p], out[64*p:64*p+64]
			for i := 0; i < 32; i += 8 {
				x, h := load64(qs[i:]), load64(qh[i:])>>(2*p)
				store64(o[i:], x&low4|h&low1<<4)
				store64(o[i+32:], x>>4&low4|h>>1&low1<<4)
			}
		}
		src, out, scale, min = src[176:], out[superBlock:], scale[16:], min[16:]
	}
}

// unpackQ6K reads 128 bytes of low nibbles, 64 bytes of upper bit pairs, 16
// int8 scales, d. In each half of 128 elements, the low nibbles of 64 bytes
// are the first 64 elements and the high ones the last 64; bits 0-1, 2-3, 4-5
// and 6-7 of 32 bytes of qh are the upper bits of the four quarters.
func unpackQ6K(src []byte, q []int8, scale, _ []float32) {
	out := bytesOf(q)
	c := each(32)
	for len(src) >= 210 {
		d := half(src[208:])
		for i, s := range src[192:208] {
			scale[i] = d * float32(int8(s))
		}
		for h := range 2 {
			ql, qh := src[64*h:64*h+64], src[128+32*h:160+32*h]
			o := out[128*h : 128*h+128]
			for i := 0; i < 32; i += 8 {
				x, y, u := load64(ql[i:]), load64(ql[i+32:]), load64(qh[i:])
				store64(o[i:], sub(x&low4|u&low2<<4, c))
				store64(o[i+32:], sub(y&low4|u>>2&low2<<4, c))
				store64(o[i+64:], sub(x>>4&low4|u>>4&low2<<4, c))
				store64(o[i+96:], sub(y>>4&low4|u>>6&low2<<4, c))
			}
		}
		src, out, scale = src[210:], out[superBlock:], scale[16:]
	}
}

// unpackQ8K reads a float32 d, 256 int8, and 16 sums of 16 codes each, which
// serve dot products only. It is a format for activations.
func unpackQ8K(src []byte, q []int8, scale, _ []float32) {
	out := bytesOf(q)
	for len(src) >= 292 {
		d := math.Float32frombits(load32(src))
		for i := range scale[:16] {
			scale[i] = d
		}
		copy(out[:superBlock], src[4:260])
		src, out, scale = src[292:], out[superBlock:], scale[16:]
	}
}
