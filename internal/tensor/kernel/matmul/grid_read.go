package matmul

import (
	"encoding/binary"
	"math/bits"
)

// The readers take block i of 32 columns out of a file's block of 256; package
// quant says how these look.

func firstD(src []byte) uint16 { return binary.LittleEndian.Uint16(src) }

// spreadD collects the scale of IQ1_M from the top nibbles of four words.
func spreadD(src []byte) uint16 {
	w := binary.LittleEndian.Uint64(src[48:])
	return uint16(w>>12&0xf | w>>24&0xf0 | w>>36&0xf00 | w>>48&0xf000)
}

// signs7 expands four codes of seven signs: the eighth makes their number even.
func signs7(x uint32) uint32 {
	var s uint32
	for k := range 4 {
		c := x >> (7 * k) & 127
		s |= (c | uint32(bits.OnesCount32(c)&1)<<7) << (8 * k)
	}
	return s
}

func readIQ2XXS(src []byte, i int) (b gridBlock) {
	w := binary.LittleEndian.Uint64(src[2+8*i:])
	for k := range 4 {
		b.num[k] = uint16(w >> (8 * k) & 255)
	}
	b.signs = signs7(uint32(w >> 32))
	b.scale[0] = byte(w >> 60)
	return b
}

func readIQ2XS(src []byte, i int) (b gridBlock) {
	w := binary.LittleEndian.Uint64(src[2+8*i:])
	var codes uint32
	for k := range 4 {
		x := uint32(w >> (16 * k))
		b.num[k] = uint16(x & 511)
		codes |= x >> 9 & 127 << (7 * k)
	}
	b.signs = signs7(codes)
	b.scale = [2]byte{src[66+i] & 15, src[66+i] >> 4}
	return b
}

func readIQ2S(src []byte, i int) (b gridBlock) {
	high := uint16(src[66+i])
	for k := range 4 {
		b.num[k] = uint16(src[2+4*i+k]) | high>>(2*k)&3<<8
	}
	b.signs = binary.LittleEndian.Uint32(src[34+4*i:])
	b.scale = [2]byte{src[74+i] & 15, src[74+i] >> 4}
	return b
}

func readIQ3XXS(src []byte, i int) (b gridBlock) {
	for k := range b.num {
		b.num[k] = uint16(src[2+8*i+k])
	}
	x := binary.LittleEndian.Uint32(src[66+4*i:])
	b.signs = signs7(x)
	b.scale[0] = byte(x >> 28)
	return b
}

func readIQ3S(src []byte, i int) (b gridBlock) {
	high := uint16(src[66+i])
	for k := range b.num {
		b.num[k] = uint16(src[2+8*i+k]) | high>>k&1<<8
	}
	b.signs = binary.LittleEndian.Uint32(src[74+4*i:])
	b.scale[0] = src[106+i/2] >> (i % 2 * 4) & 15
	return b
}

func readIQ1S(src []byte, i int) (b gridBlock) {
	high := binary.LittleEndian.Uint16(src[34+2*i:])
	for k := range 4 {
		b.num[k] = uint16(src[2+4*i+k]) | high>>(3*k)&7<<8
	}
	b.scale[0] = byte(high >> 12) // three bits of scale, and the shift
	return b
}

func readIQ1M(src []byte, i int) (b gridBlock) {
	high := uint16(src[32+2*i]) | uint16(src[33+2*i])<<8
	for k := range 4 {
		b.num[k] = uint16(src[4*i+k]) | high>>(4*k)&15<<8
	}
	s := binary.LittleEndian.Uint16(src[48+i/2*2:]) >> (i % 2 * 6)
	b.scale = [2]byte{byte(s & 7), byte(s >> 3 & 7)}
	return b
}
