package quant

// The IQ2 formats: 8 magnitudes at a time come from a grid, signs are given
// apart, and a four-bit scale s stands for d*(s+1/2)/4.

// scaleIQ2 returns the scale for four bits s.
func scaleIQ2(d float32, s uint32) float32 { return d * (0.5 + float32(s)) * 0.25 }

// unpackIQ2XXS reads d, and per 32 elements two uint32: four grid indices,
// then four 7-bit sign codes and the scale in the top four bits.
func unpackIQ2XXS(src []byte, q []int8, scale, _ []float32) {
	g, out := grids(), bytesOf(q)
	for len(src) >= 66 {
		d := half(src)
		for j := range 8 {
			b, o := src[2+8*j:10+8*j], out[32*j:32*j+32]
			u := load32(b[4:])
			s := scaleIQ2(d, u>>28)
			scale[2*j], scale[2*j+1] = s, s
			for l := range 4 {
				store64(o[8*l:], negate(g.iq2xxs[b[l]], g.signs[signs7(u>>(7*l))]))
			}
		}
		src, out, scale = src[66:], out[superBlock:], scale[16:]
	}
}

// unpackIQ2XS reads d, 32 uint16 of a 9-bit grid index and a 7-bit sign code,
// and 16 four-bit scales, one per 16 elements.
func unpackIQ2XS(src []byte, q []int8, scale, _ []float32) {
	g, out := grids(), bytesOf(q)
	for len(src) >= 74 {
		d := half(src)
		scalesIQ2(scale, src[66:74], d)
		for j := range 32 {
			u := uint32(load16(src[2+2*j:]))
			store64(out[8*j:], negate(g.iq2xs[u&511], g.signs[signs7(u>>9)]))
		}
		src, out, scale = src[74:], out[superBlock:], scale[16:]
	}
}

// unpackIQ2S reads d, 32 low bytes of 10-bit grid indices, 32 bytes of signs,
// 8 bytes of upper index bits, 16 four-bit scales.
func unpackIQ2S(src []byte, q []int8, scale, _ []float32) {
	g, out := grids(), bytesOf(q)
	for len(src) >= 82 {
		d := half(src)
		scalesIQ2(scale, src[74:82], d)
		qs, signs, qh := src[2:34], src[34:66], src[66:74]
		for j := range 32 {
			index := uint(qs[j]) | uint(qh[j/4])>>(j%4*2)&3<<8
			store64(out[8*j:], negate(g.iq2s[index], g.signs[signs[j]]))
		}
		src, out, scale = src[82:], out[superBlock:], scale[16:]
	}
}

// scalesIQ2 decodes 16 four-bit scales, the low nibble first.
func scalesIQ2(scale []float32, b []byte, d float32) {
	for i, s := range b[:8] {
		scale[2*i] = scaleIQ2(d, uint32(s&15))
		scale[2*i+1] = scaleIQ2(d, uint32(s>>4))
	}
}
