package quant

// The IQ3 formats: like IQ2, but with grids of four magnitudes.

// unpackIQ3XXS reads d, 64 grid indices, and per 32 elements a uint32 of four
// 7-bit sign codes with the scale s in the top four bits: d*(s+1/2)/2.
func unpackIQ3XXS(src []byte, q []int8, scale, _ []float32) {
	g, out := grids(), bytesOf(q)
	for len(src) >= 98 {
		d := half(src)
		for j := range 8 {
			qs, o := src[2+8*j:10+8*j], out[32*j:32*j+32]
			u := load32(src[66+4*j:])
			s := d * (0.5 + float32(u>>28)) * 0.5
			scale[2*j], scale[2*j+1] = s, s
			for l := range 4 {
				x := uint64(g.iq3xxs[qs[2*l]]) | uint64(g.iq3xxs[qs[2*l+1]])<<32
				store64(o[8*l:], negate(x, g.signs[signs7(u>>(7*l))]))
			}
		}
		src, out, scale = src[98:], out[superBlock:], scale[16:]
	}
}

// unpackIQ3S reads d, 64 low bytes of 9-bit grid indices, 8 bytes with the
// ninth bits, 32 bytes of signs, and eight four-bit scales s: d*(1+2s).
func unpackIQ3S(src []byte, q []int8, scale, _ []float32) {
	g, out := grids(), bytesOf(q)
	for len(src) >= 110 {
		d := half(src)
		for j := range 8 {
			qs, o := src[2+8*j:10+8*j], out[32*j:32*j+32]
			qh, signs := uint(src[66+j]), src[74+4*j:78+4*j]
			s := d * float32(1+2*(src[106+j/2]>>(j%2*4)&15))
			scale[2*j], scale[2*j+1] = s, s
			for l := range 4 {
				a := uint(qs[2*l]) | qh>>(2*l)&1<<8
				b := uint(qs[2*l+1]) | qh>>(2*l+1)&1<<8
				x := uint64(g.iq3s[a]) | uint64(g.iq3s[b])<<32
				store64(o[8*l:], negate(x, g.signs[signs[l]]))
			}
		}
		src, out, scale = src[110:], out[superBlock:], scale[16:]
	}
}
