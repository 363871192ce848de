package matmul

import "encoding/binary"

// The K types: 256 columns, scales in two levels.

func packQ4K(dst, src []byte, stride, n int) {
	packScalesK(dst, src, stride, n)
	packPairs(dst[320:], src[16:], stride, n)
}

func packQ5K(dst, src []byte, stride, n int) {
	packScalesK(dst, src, stride, n)
	gather(dst[320:], 64, src[16:], stride, n, 8)
	packPairs(dst[832:], src[48:], stride, n)
}

// packPairs packs the 128 bytes of nibbles of Q4_K and Q5_K: 4 pairs of blocks.
func packPairs(dst, src []byte, stride, n int) { gather(dst, 64, src, stride, n, 32) }

// packScalesK packs d, dmin and the six-bit scales and minimums of Q4_K and
// Q5_K. The 12 bytes hold, in 32-bit words a, b, c: the low six bits of the
// bytes of a are scales 0-3, those of b minimums 0-3; the nibbles of c are the
// low bits of scales 4-7 and minimums 4-7, whose upper two bits are the upper
// two bits of the bytes of a and b.
func packScalesK(dst, src []byte, stride, n int) {
	gather16(dst, src, stride, n)
	gather16(dst[32:], src[2:], stride, n)
	for r := range n {
		row := src[r*stride+4:][:12]
		a := binary.LittleEndian.Uint32(row)
		b := binary.LittleEndian.Uint32(row[4:])
		c := binary.LittleEndian.Uint32(row[8:])
		sc := uint64(a&0x3f3f3f3f) | uint64(c&0x0f0f0f0f|a>>2&0x30303030)<<32
		mn := uint64(b&0x3f3f3f3f) | uint64(c>>4&0x0f0f0f0f|b>>2&0x30303030)<<32
		scales, mins := dst[64+r:], dst[192+2*r:]
		for i := range 8 {
			scales[16*i] = byte(sc >> (8 * i))
		}
		for i := range 4 {
			binary.LittleEndian.PutUint16(mins[32*i:], uint16(mn>>(16*i)))
		}
	}
}

func packQ6K(dst, src []byte, stride, n int) {
	for r := range n {
		row := src[r*stride:][:210]
		putF32(dst[4*r:], half(row[208:])/4)
		for i := range 16 {
			dst[64+16*i+r] = row[192+i]
		}
	}
	for h := range 2 {
		to := dst[320+1536*h:]
		gather(to, 192, src[64*h:], stride, n, 8)
		gather(to[64:], 192, src[64*h+32:], stride, n, 8)
		gather(to[128:], 192, src[128+32*h:], stride, n, 8)
	}
}

func packQ3K(dst, src []byte, stride, n int) {
	for r := range n {
		row := src[r*stride:][:110]
		putF32(dst[4*r:], half(row[108:])/32)
		for i := range 16 {
			low := row[96+i%8] >> (4 * (i / 8)) & 15
			high := row[104+i%4] >> (2 * (i / 4)) & 3
			dst[64+16*i+r] = low | high<<4 - 32
		}
	}
	gather(dst[320:], 128, src, stride, n, 8)
	gather(dst[384:], 128, src[32:], stride, n, 8)
	gather(dst[320+1024:], 64, src[64:], stride, n, 8)
}

func packQ2K(dst, src []byte, stride, n int) {
	gather16(dst, src[80:], stride, n)
	gather16(dst[32:], src[82:], stride, n)
	for r := range n {
		row := src[r*stride:][:16]
		for i := range 8 {
			copy(dst[64+32*i+2*r:][:2], row[2*i:])
		}
	}
	gather(dst[320:], 64, src[16:], stride, n, 16)
}

func packIQ4XS(dst, src []byte, stride, n int) {
	for r := range n {
		row := src[r*stride:][:136]
		putF32(dst[4*r:], half(row))
		high := binary.LittleEndian.Uint16(row[2:])
		for i := range 8 {
			low := row[4+i/2] >> (4 * (i % 2)) & 15
			dst[64+16*i+r] = low | byte(high>>(2*i)&3)<<4 - 32
		}
	}
	gather(dst[192:], 64, src[8:], stride, n, 32)
}
