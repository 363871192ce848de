package matmul

import "encoding/binary"

// pack packs one unit of a grid type.
func (g *grid) pack(dst, src []byte, stride, n int) {
	var masks [8 * 5]uint64 // [8 blocks][vectors][bits]
	clear(dst[g.scales():g.bits()])
	for r := range n {
		row := src[r*stride:][:g.t.BlockBytes()]
		binary.LittleEndian.PutUint16(dst[2*r:], g.d(row))
		for i := range 8 {
			b := g.read(row, i)
			g.putScale(dst, r, i, b)
			g.putNumbers(dst, &masks, r, i, b)
		}
	}
	for i := range 8 * g.vecs() * g.masks {
		binary.LittleEndian.PutUint64(dst[g.bits()+8*i:], masks[i])
	}
}

func (g *grid) putScale(dst []byte, r, i int, b gridBlock) {
	if g.halves {
		dst[g.scales()+16*i+r] = b.scale[0] | b.scale[1]<<4
		return
	}
	dst[g.scales()+16*(i/2)+r] |= b.scale[0] << (i % 2 * 4)
}

func (g *grid) putNumbers(dst []byte, masks *[8 * 5]uint64, r, i int, b gridBlock) {
	to := dst[g.blocks()+i*g.blockBytes():][:g.blockBytes()]
	for v := range g.vecs() {
		num := (*[4]uint16)(b.num[4*v:])
		if g.number != nil {
			for k, x := range num {
				num[k] = g.number[x&2047] | x>>11<<12
			}
		}
		for k, x := range num {
			to[64*v+4*r+k] = byte(x)
		}
		for bit := range g.masks {
			var nib uint64
			for k, x := range num {
				nib |= uint64(x>>(8+bit)&1) << k
			}
			masks[(i*g.vecs()+v)*g.masks+bit] |= nib << (4 * r)
		}
	}
	switch {
	case g.size == 4:
		binary.LittleEndian.PutUint32(to[128+4*r:], mingle(b.signs))
	case g.signs:
		binary.LittleEndian.PutUint32(to[64+4*r:], b.signs)
	}
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

// unpack reads a unit back: codes with their signs or shifts, and scales.
func (g *grid) unpack(u *unit, src []byte) {
	unpackHalves(&u.d, src)
	for r := range u.d {
		u.d[r] *= g.factor
	}
	for i := range 8 {
		from := src[g.blocks()+i*g.blockBytes():][:g.blockBytes()]
		for r := range Group {
			g.getScale(u, src, r, i)
			g.points32(u.q[r][32*i:][:32], src, from, r, i)
			switch {
			case g.signs:
				negate(u.q[r][32*i:][:32], g.signWord(from, r))
			case !g.halves && src[g.scales()+16*(i/2)+r]>>(i%2*4)&8 != 0:
				shiftDown(u.q[r][32*i:][:32])
			}
		}
	}
}

func (g *grid) getScale(u *unit, src []byte, r, i int) {
	odd := func(nibble byte) int32 { return 2*int32(nibble) + 1 }
	if g.halves {
		s := src[g.scales()+16*i+r]
		u.scale[2*i][r], u.scale[2*i+1][r] = odd(s&15), odd(s>>4)
		return
	}
	s := src[g.scales()+16*(i/2)+r] >> (i % 2 * 4) & 15
	if !g.signs {
		s &= 7
	}
	u.setScale(i, r, odd(s))
}

// points32 looks up the points of 32 columns of row r.
func (g *grid) points32(q []int8, src, from []byte, r, i int) {
	for v := range g.vecs() {
		for k := range 4 {
			num := int(from[64*v+4*r+k])
			for bit := range g.masks {
				at := g.bits() + 8*((i*g.vecs()+v)*g.masks+bit)
				num |= int(src[at+r/2]>>(r%2*4+k)&1) << (8 + bit)
			}
			to := q[(4*v+k)*g.size:][:g.size]
			first, second := g.point(num & 4095)
			copy(to[copy(to, first):], second)
			if num > 4095 {
				shiftDown(to)
			}
		}
	}
}

// shiftDown turns codes of IQ1, which are shifted up, into the others.
func shiftDown(q []int8) {
	for c := range q {
		q[c] -= 2
	}
}

func (g *grid) signWord(from []byte, r int) uint32 {
	if g.size == 8 {
		return getU32(from[64+4*r:])
	}
	w := getU32(from[128+4*r:])
	return gather16bits(w>>1) | gather16bits(w)<<16
}

// gather16bits is the inverse of spread16.
func gather16bits(x uint32) uint32 {
	x &= 0x55555555
	x = (x | x>>1) & 0x33333333
	x = (x | x>>2) & 0x0f0f0f0f
	x = (x | x>>4) & 0x00ff00ff
	return (x | x>>8) & 0xffff
}

func negate(q []int8, signs uint32) {
	for c := range q {
		m := int8(signs>>c&1) * -1
		q[c] = (q[c] ^ m) - m
	}
}
