package quant

// The IQ4 formats index a table of 16 values that lie closer together near
// zero, where most weights are.

// iq4Values is that table. It comes from ggml, whose licence is in
// grid_points.go.
var iq4Values = [16]int8{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

// nibbles writes table values for 16 bytes of nibbles: low ones first.
func nibbles(q []int8, qs []byte, table *[16]int8) {
	lo, hi := q[:16], q[16:32]
	for i, b := range qs[:16] {
		lo[i], hi[i] = table[b&15], table[b>>4]
	}
}

// unpackIQ4NL reads d, 16 nibble pairs.
func unpackIQ4NL(src []byte, q []int8, scale, _ []float32) {
	for i := 0; len(src) >= 18; i += 2 {
		d := half(src)
		scale[i], scale[i+1] = d, d
		nibbles(q, src[2:18], &iq4Values)
		src, q = src[18:], q[32:]
	}
}

// unpackIQ4XS reads d, the upper two bits of eight six-bit scales in a
// uint16, their low nibbles in four bytes, and 128 bytes of nibbles.
func unpackIQ4XS(src []byte, q []int8, scale, _ []float32) {
	for len(src) >= 136 {
		d, sh, sl := half(src), load16(src[2:]), src[4:8]
		for j := range 8 {
			s := sl[j/2]>>(4*(j%2))&15 | uint8(sh>>(2*j))&3<<4
			ds := d * float32(int(s)-32)
			scale[2*j], scale[2*j+1] = ds, ds
			nibbles(q[32*j:], src[8+16*j:24+16*j], &iq4Values)
		}
		src, q, scale = src[136:], q[superBlock:], scale[16:]
	}
}
