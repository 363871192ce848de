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
		g.packSigns7(dst, to[64:], 128, r, g.placeSigns)
	}
}

// masksOf collects masks: nibble has the bits of vector v.
func (g *grid) masksOf(masks *[16]uint64, v, r int, nibble uint32) {
	masks[v] |= uint64(nibble&15) << (4 * r & 63)
}

func (g *grid) putMasks(dst []byte, masks *[16]uint64) {
	for i := range 8 * g.vecs() {
		binary.LittleEndian.PutUint64(dst[g.marks()+8*i:], masks[i])
	}
}

func (g *grid) packIQ2XS(dst, src []byte, stride, n int) {
	var masks [16]uint64
	gather16(dst, src, stride, n)
	for r := range n {
		row := src[r*stride:][:74]
		for i := range 8 {
			w := binary.LittleEndian.Uint64(row[2+8*i:])
			low, high := evenBytes(w), evenBytes(w>>8)
			to := dst[g.blocks()+128*i+4*r:]
			binary.LittleEndian.PutUint32(to, low)
			codes := high >> 1 & 0x7f7f7f7f
			signs := signs7(codes&0x7f | codes>>1&0x3f80 | codes>>2&0x1fc000 | codes>>3&0xfe00000)
			binary.LittleEndian.PutUint32(to[64:], g.placeSigns(signs))
			g.masksOf(&masks, i, r, high&1|high>>7&2|high>>14&4|high>>21&8)
			dst[g.scales()+16*i+r] = row[66+i]
		}
	}
	g.putMasks(dst, &masks)
}

// placeSigns moves the signs of 32 columns to where signAt says.
func (g *grid) placeSigns(s uint32) uint32 {
	if g.halves {
		// Nibbles 0, 2, 1, 3 become the lower ones of the bytes, and 5, 7, 4, 6 the upper ones.
		s = s&0x0000000f | s&0x00000f00 | s&0x000000f0<<12 | s&0x0000f000<<12 |
			s>>16&0x000000f0 | s>>16&0x0000f000 | s<<4&0x00f00000 | s<<4&0xf0000000
	}
	t := (s>>4 ^ s) & 0x0c0c0c0c // bits 2 and 3 change places with 6 and 7
	return s ^ t ^ t<<4
}

// evenBytes returns bytes 0, 2, 4 and 6.
func evenBytes(w uint64) uint32 {
	w &= 0x00ff00ff00ff00ff
	w = (w | w>>8) & 0x0000ffff0000ffff
	return uint32(w | w>>16)
}

func (g *grid) packIQ2S(dst, src []byte, stride, n int) {
	var rest rests
	gather16(dst, src, stride, n)
	for r := range n {
		row := src[r*stride:][:82]
		for i := range 8 {
			low, high := getU32(row[2+4*i:]), uint32(row[66+i])
			g.putNumbers(dst, &rest, i, r, low, (high|high<<6|high<<12|high<<18)&0x03030303)
			dst[g.scales()+16*i+r] = row[74+i]
			binary.LittleEndian.PutUint32(dst[g.blocks()+128*i+64+4*r:], g.placeSigns(getU32(row[34+4*i:])))
		}
	}
	g.putRests(dst[g.bits():], &rest)
}

// putNumbers renumbers the points of row r of block b: low has the low bytes of their
// numbers and high, in bytes, the bits above.
func (g *grid) putNumbers(dst []byte, rest *rests, b, r int, low, high uint32) {
	table := (*[2048]uint64)(g.number[:2048])
	ours := table[low&255|high&7<<8] | table[low>>8&255|high>>8&7<<8]<<8 |
		table[low>>16&255|high>>16&7<<8]<<16 | table[low>>24|high>>24&7<<8]<<24
	binary.LittleEndian.PutUint32(dst[g.blocks()+g.blockBytes()*b+4*r:], uint32(ours))
	rest[b][r] = uint32(ours >> 32)
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
	var masks [16]uint64
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

func (g *grid) packIQ1S(dst, src []byte, stride, n int) {
	var rest rests
	gather16(dst, src, stride, n)
	for r := range n {
		row := src[r*stride:][:50]
		var scales uint32
		for i := range 8 {
			high := uint32(binary.LittleEndian.Uint16(row[34+2*i:]))
			g.putNumbers(dst, &rest, i, r, getU32(row[2+4*i:]), high&7|high<<5&0x700|high<<10&0x70000|high<<15&0x7000000)
			scales |= high >> 12 << (4 * i) // three bits of scale, and the shift
		}
		for p := range 4 {
			dst[g.scales()+16*p+r] = byte(scales >> (8 * p))
		}
	}
	g.putRests(dst[g.bits():], &rest)
}

func (g *grid) packIQ1M(dst, src []byte, stride, n int) {
	var masks [16]uint64
	var rest rests
	for r := range n {
		row := src[r*stride:][:56]
		// The scale is spread over the top nibbles of four words.
		w := binary.LittleEndian.Uint64(row[48:])
		binary.LittleEndian.PutUint16(dst[2*r:], uint16(w>>12&0xf|w>>24&0xf0|w>>36&0xf00|w>>48&0xf000))
		for i := range 8 {
			high := uint32(binary.LittleEndian.Uint16(row[32+2*i:]))
			shifts := high >> 3 & 0x1111
			g.masksOf(&masks, i, r, shifts|shifts>>3|shifts>>6|shifts>>9)
			g.putNumbers(dst, &rest, i, r, getU32(row[4*i:]), high&7|high<<4&0x700|high<<8&0x70000|high<<12&0x7000000)
			s := w >> (i/2*16 + i%2*6)
			dst[g.scales()+16*i+r] = byte(s&7 | s>>3&7<<4)
		}
	}
	g.putMasks(dst, &masks)
	g.putRests(dst[g.bits():], &rest)
}
