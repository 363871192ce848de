package quant

import "github.com/holdfast-llm/holdfast/internal/tensor/num"

// The IQ1 formats: 8 values of -1, 0 or 1 at a time come from a grid of 2048
// points, all shifted by an eighth up or down. The codes are eight times the
// shifted values, which are integers, and the scales an eighth.

// shifted returns the grid with its values shifted up, or down.
func (g *gridSet) shifted(down bool) *[2048]uint64 {
	if down {
		return &g.iq1dn
	}
	return &g.iq1up
}

// unpackIQ1S reads d, 32 low bytes of 11-bit grid indices, and per 32
// elements a uint16: four times three upper index bits, a three-bit scale s
// that stands for d*(2s+1), and in the top bit the direction of the shift.
func unpackIQ1S(src []byte, q []int8, scale, _ []float32) {
	g, out := grids(), bytesOf(q)
	for len(src) >= 50 {
		d := half(src)
		for j := range 8 {
			qs, o, h := src[2+4*j:6+4*j], out[32*j:32*j+32], uint(load16(src[34+2*j:]))
			s := d * float32(2*(h>>12&7)+1) * 0.125
			scale[2*j], scale[2*j+1] = s, s
			grid := g.shifted(h&0x8000 != 0)
			for l := range 4 {
				store64(o[8*l:], grid[uint(qs[l])|h>>(3*l)&7<<8])
			}
		}
		src, out, scale = src[50:], out[superBlock:], scale[16:]
	}
}

// unpackIQ1M reads 32 low bytes of 11-bit grid indices, 32 nibbles of three
// upper index bits and a shift bit, and four uint16 of four three-bit scales
// each, one per 16 elements, whose top nibbles together are the f16 d.
func unpackIQ1M(src []byte, q []int8, scale, _ []float32) {
	g, out := grids(), bytesOf(q)
	for len(src) >= 56 {
		var sc [4]uint16
		for i := range sc {
			sc[i] = load16(src[48+2*i:])
		}
		d := num.F16ToF32(sc[0]>>12 | sc[1]>>8&0xF0 | sc[2]>>4&0xF00 | sc[3]&0xF000)
		for i := range scale[:16] {
			scale[i] = d * float32(2*(sc[i/4]>>(i%4*3)&7)+1) * 0.125
		}
		qs, qh := src[:32], src[32:48]
		for j := range 32 {
			h := uint(qh[j/2]) >> (j % 2 * 4)
			store64(out[8*j:], g.shifted(h&8 != 0)[uint(qs[j])|h&7<<8])
		}
		src, out, scale = src[56:], out[superBlock:], scale[16:]
	}
}
