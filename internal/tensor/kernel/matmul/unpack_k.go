package matmul

// setScale sets the scale of row r for the 32 columns of block b.
func (u *unit) setScale(b, r int, s int32) { u.scale[2*b][r], u.scale[2*b+1][r] = s, s }

func (u *unit) setMin(b, r int, m int32) { u.min[2*b][r], u.min[2*b+1][r] = m, m }

func unpackScalesK(u *unit, src []byte) {
	unpackHalves(&u.d, src)
	unpackHalves(&u.dm, src[32:])
	for b := range 8 {
		for r := range Group {
			u.setScale(b, r, int32(src[64+16*b+r]))
			u.setMin(b, r, int32(src[192+32*(b/2)+2*r+b%2]))
		}
	}
}

// unpackPairs reads the nibbles of 4 pairs of blocks.
func unpackPairs(u *unit, src []byte) {
	for v := range 32 {
		c := v/8*64 + v%8*4
		for r := range Group {
			q := u.q[r][c:][:36]
			putNibbles(q, q[32:], getU32(src[64*v+4*r:]))
		}
	}
}

func unpackQ4K(u *unit, src []byte) {
	unpackScalesK(u, src)
	unpackPairs(u, src[320:])
}

func unpackQ5K(u *unit, src []byte) {
	unpackScalesK(u, src)
	unpackPairs(u, src[832:])
	for v := range 8 {
		addBits(u, src[320+64*v:], v, 4)
	}
}

// addBits adds the bits of vec v, in which bit b of a byte belongs to block b,
// shifted left.
func addBits(u *unit, src []byte, v, shift int) {
	for r := range Group {
		for k, x := range src[4*r : 4*r+4] {
			for b := range 8 {
				u.q[r][32*b+4*v+k] += int8(x>>b&1) << shift
			}
		}
	}
}

// unpackScales16 reads float32 scales, which are stored divided by div, and 16
// signed block scales.
func unpackScales16(u *unit, src []byte, div float32) {
	for r := range Group {
		u.d[r] = getF32(src[4*r:]) * div
		for b := range 16 {
			u.scale[b][r] = int32(int8(src[64+16*b+r]))
		}
	}
}

func unpackQ6K(u *unit, src []byte) {
	unpackScales16(u, src, 4)
	for v := range 16 {
		vecs := src[320+192*v:][:192]
		for i := range 4 * Group {
			a, b, x := vecs[i], vecs[64+i], vecs[128+i]
			q := u.q[i/4][v/8*128+v%8*4+i%4:][:97]
			q[0] = int8(a&15|x&3<<4) - 32
			q[32] = int8(b&15|x>>2&3<<4) - 32
			q[64] = int8(a>>4|x>>4&3<<4) - 32
			q[96] = int8(b>>4|x>>6<<4) - 32
		}
	}
}

// unpackTwoBits reads vec j of a half: quad j of four blocks of 32.
func unpackTwoBits(u *unit, src []byte, half, j int) {
	for r := range Group {
		q := u.q[r][128*half+4*j:][:100]
		for k, x := range src[4*r : 4*r+4] {
			q[k], q[k+32], q[k+64], q[k+96] = int8(x&3), int8(x>>2&3), int8(x>>4&3), int8(x>>6)
		}
	}
}

func unpackQ3K(u *unit, src []byte) {
	unpackScales16(u, src, 32)
	for j := range 8 {
		unpackTwoBits(u, src[320+128*j+64:], 0, j)
		unpackTwoBits(u, src[320+1024+64*j:], 1, j)
		addBits(u, src[320+128*j:], j, 2)
	}
	u.add(256, -4)
}

func unpackQ2K(u *unit, src []byte) {
	unpackHalves(&u.d, src)
	unpackHalves(&u.dm, src[32:])
	for b := range 16 {
		for r := range Group {
			s := int32(src[64+32*(b/2)+2*r+b%2])
			u.scale[b][r], u.min[b][r] = s&15, s>>4
		}
	}
	for v := range 16 {
		unpackTwoBits(u, src[320+64*v:], v/8, v%8)
	}
}

func unpackIQ4XS(u *unit, src []byte) {
	for r := range Group {
		u.d[r] = getF32(src[4*r:])
		for b := range 8 {
			u.setScale(b, r, int32(int8(src[64+16*b+r])))
		}
	}
	for b := range 8 {
		unpackNibbles(u, src[192+256*b:], 32*b)
	}
	u.lookup(256, &tableIQ4NL)
}
