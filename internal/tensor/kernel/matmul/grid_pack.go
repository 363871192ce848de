package matmul

import (
	"encoding/binary"

	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// pack packs one unit of a grid type: package quant says how a file's block looks.
func (g *grid) pack(dst, src []byte, stride, n int) {
	switch g.t {
	case quant.IQ2_XXS:
		g.packIQ2XXS(dst, src, stride, n)
	case quant.IQ2_XS:
		g.packIQ2XS(dst, src, stride, n)
	case quant.IQ2_S:
		g.packIQ2S(dst, src, stride, n)
	case quant.IQ3_XXS:
		g.packIQ3XXS(dst, src, stride, n)
	case quant.IQ3_S:
		g.packIQ3S(dst, src, stride, n)
	case quant.IQ1_S:
		g.packIQ1S(dst, src, stride, n)
	case quant.IQ1_M:
		g.packIQ1M(dst, src, stride, n)
	}
}

// signs7 expands four codes of seven signs: the eighth makes their number even.
func signs7(x uint32) uint32 {
	s := x&0x7f | x<<1&0x7f00 | x<<2&0x7f0000 | x<<3&0x7f000000
	p := s ^ s>>4 // the lower half of each byte has the parities of its halves
	p ^= p >> 2
	p ^= p >> 1
	return s | p&0x01010101<<7
}

// packSigns7 converts the sign codes of row r, in words step apart, in place, and
// packs the scales in their upper nibbles.
func (g *grid) packSigns7(dst, words []byte, step, r int, convert func(uint32) uint32) {
	var scales uint32
	for i := range 8 {
		w := words[step*i+4*r:]
		x := binary.LittleEndian.Uint32(w)
		binary.LittleEndian.PutUint32(w, convert(signs7(x)))
		scales |= x >> 28 << (4 * i)
	}
	for p := range 4 {
		dst[g.scales()+16*p+r] = byte(scales >> (8 * p))
	}
}

func (g *grid) packIQ2XXS(dst, src []byte, stride, n int) {
	gather16(dst, src, stride, n)
	to := dst[g.blocks():]
	gather(to, 64, src[2:], stride, n, 16) // numbers and signs, in turn
	for r := range n {
		g.packSigns7(dst, to[64:], 128, r, func(s uint32) uint32 { return s })
	}
}

// masksOf collects masks: nibbles has one nibble per mask of vector v.
func (g *grid) masksOf(masks *[8 * 5]uint64, v, r int, nibbles uint32) {
	to := masks[v*g.masks:][:g.masks]
	for i := range to {
		to[i] |= uint64(nibbles&15) << (4 * r & 63)
		nibbles >>= 4
	}
}

func (g *grid) putMasks(dst []byte, masks *[8 * 5]uint64) {
	for i := range 8 * g.vecs() * g.masks {
		binary.LittleEndian.PutUint64(dst[g.bits()+8*i:], masks[i])
	}
}

func (g *grid) packIQ2XS(dst, src []byte, stride, n int) {
	var masks [8 * 5]uint64
	gather16(dst, src, stride, n)
	for r := range n {
		row := src[r*stride:][:74]
		for i := range 8 {
			w := binary.LittleEndian.Uint64(row[2+8*i:])
			low, high := evenBytes(w), evenBytes(w>>8)
			to := dst[g.blocks()+128*i+4*r:]
			binary.LittleEndian.PutUint32(to, low)
			codes := high >> 1 & 0x7f7f7f7f
			binary.LittleEndian.PutUint32(to[64:], signs7(codes&0x7f|codes>>1&0x3f80|codes>>2&0x1fc000|codes>>3&0xfe00000))
			g.masksOf(&masks, i, r, high&1|high>>7&2|high>>14&4|high>>21&8)
			dst[g.scales()+16*i+r] = row[66+i]
		}
	}
	g.putMasks(dst, &masks)
}

// evenBytes returns bytes 0, 2, 4 and 6.
func evenBytes(w uint64) uint32 {
	w &= 0x00ff00ff00ff00ff
	w = (w | w>>8) & 0x0000ffff0000ffff
	return uint32(w | w>>16)
}

func (g *grid) packIQ2S(dst, src []byte, stride, n int) {
	var masks [8 * 5]uint64
	gather16(dst, src, stride, n)
	gather(dst[g.blocks():], 128, src[2:], stride, n, 8)
	gather(dst[g.blocks()+64:], 128, src[34:], stride, n, 8)
	for r := range n {
		row := src[r*stride:][:82]
		for i := range 8 {
			x := uint32(row[66+i])
			x = x&0x99 | x>>1&0x22 | x<<1&0x44 // swap bits 1 and 2, 5 and 6 ...
			x = x&0xc3 | x>>2&0x0c | x<<2&0x30 // ... then pairs: even bits, then odd ones
			g.masksOf(&masks, i, r, x)
			dst[g.scales()+16*i+r] = row[74+i]
		}
	}
	g.putMasks(dst, &masks)
}

// packNumbers4 packs the low bytes of numbers of points with four coordinates.
func (g *grid) packNumbers4(dst, src []byte, stride, n int) {
	var vecs [16 * 64]byte
	gather(vecs[:], 64, src, stride, n, 16)
	for i := range 8 {
		copy(dst[g.blocks()+g.blockBytes()*i:][:128], vecs[128*i:])
	}
}

func (g *grid) packIQ3XXS(dst, src []byte, stride, n int) {
	gather16(dst, src, stride, n)
	g.packNumbers4(dst, src[2:], stride, n)
	signs := dst[g.blocks()+128:]
	gather(signs, g.blockBytes(), src[66:], stride, n, 8)
	for r := range n {
		g.packSigns7(dst, signs, g.blockBytes(), r, mingle)
	}
}

func (g *grid) packIQ3S(dst, src []byte, stride, n int) {
	var masks [8 * 5]uint64
	gather16(dst, src, stride, n)
	g.packNumbers4(dst, src[2:], stride, n)
	signs := dst[g.blocks()+128:]
	gather(signs, g.blockBytes(), src[74:], stride, n, 8)
	for r := range n {
		row := src[r*stride:][:110]
		for i := range 8 {
			w := signs[g.blockBytes()*i+4*r:]
			binary.LittleEndian.PutUint32(w, mingle(binary.LittleEndian.Uint32(w)))
			g.masksOf(&masks, 2*i, r, uint32(row[66+i]&15))
			g.masksOf(&masks, 2*i+1, r, uint32(row[66+i]>>4))
		}
		for p := range 4 {
			dst[g.scales()+16*p+r] = row[106+p]
		}
	}
	g.putMasks(dst, &masks)
}

// mingle puts the signs of the first 16 columns at the odd bits and those of the
// last 16 at the even bits: beside the bits of digits in a vec of points.
func mingle(s uint32) uint32 { return spread16(s)<<1 | spread16(s>>16) }

// spread16 moves bit i of 16 to bit 2i.
func spread16(x uint32) uint32 {
	x &= 0xffff
	x = (x | x<<8) & 0x00ff00ff
	x = (x | x<<4) & 0x0f0f0f0f
	x = (x | x<<2) & 0x33333333
	return (x | x<<1) & 0x55555555
}

// packIQ1 renumbers the four points of block i of row r and puts their numbers in
// place: low has the low bytes, and high three upper bits in each of four fields of
// width bits. more is what the fifth mask gets.
func (g *grid) packIQ1(dst []byte, masks *[8 * 5]uint64, i, r int, low, high uint32, width int, more uint32) {
	x0 := g.number[low&255|high&7<<8]
	x1 := g.number[low>>8&255|high>>width&7<<8]
	x2 := g.number[low>>16&255|high>>(2*width)&7<<8]
	x3 := g.number[low>>24|high>>(3*width)&7<<8]
	bytes := x0&255 | x1&255<<8 | x2&255<<16 | x3<<24
	binary.LittleEndian.PutUint32(dst[g.blocks()+64*i+4*r:], bytes)
	nibbles := x0>>8 | x1>>8<<1 | x2>>8<<2 | x3>>8<<3 | more<<16
	g.masksOf(masks, i, r, nibbles)
}

func (g *grid) packIQ1S(dst, src []byte, stride, n int) {
	var masks [8 * 5]uint64
	gather16(dst, src, stride, n)
	for r := range n {
		row := src[r*stride:][:50]
		var scales uint32
		for i := range 8 {
			high := uint32(binary.LittleEndian.Uint16(row[34+2*i:]))
			g.packIQ1(dst, &masks, i, r, binary.LittleEndian.Uint32(row[2+4*i:]), high, 3, 0)
			scales |= high >> 12 << (4 * i) // three bits of scale, and the shift
		}
		for p := range 4 {
			dst[g.scales()+16*p+r] = byte(scales >> (8 * p))
		}
	}
	g.putMasks(dst, &masks)
}

func (g *grid) packIQ1M(dst, src []byte, stride, n int) {
	var masks [8 * 5]uint64
	for r := range n {
		row := src[r*stride:][:56]
		// The scale is spread over the top nibbles of four words.
		w := binary.LittleEndian.Uint64(row[48:])
		binary.LittleEndian.PutUint16(dst[2*r:], uint16(w>>12&0xf|w>>24&0xf0|w>>36&0xf00|w>>48&0xf000))
		for i := range 8 {
			high := uint32(binary.LittleEndian.Uint16(row[32+2*i:]))
			shifts := high >> 3 & 0x1111
			shifts = (shifts | shifts>>3 | shifts>>6 | shifts>>9) & 15
			g.packIQ1(dst, &masks, i, r, binary.LittleEndian.Uint32(row[4*i:]), high, 4, shifts)
			s := w >> (i/2*16 + i%2*6)
			dst[g.scales()+16*i+r] = byte(s&7 | s>>3&7<<4)
		}
	}
	g.putMasks(dst, &masks)
}
