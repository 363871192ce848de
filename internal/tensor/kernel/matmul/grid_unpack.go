package matmul

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
			marked := g.masks > 0 && src[g.marks()+8*(i*g.vecs()+v)+r/2]>>(r%2*4+k)&1 == 1
			if g.rests > 0 {
				num |= g.getRest(src[g.bits():], i, 4*r+k)
			} else if marked {
				num |= 256
			}
			to := q[(4*v+k)*g.size:][:g.size]
			first, second := g.point(num)
			copy(to[copy(to, first):], second)
			if marked && !g.signs {
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
		return g.naturalSigns(getU32(from[64+4*r:]))
	}
	w := getU32(from[128+4*r:])
	return gather16bits(w>>1) | gather16bits(w)<<16
}

// naturalSigns is the inverse of placeSigns.
func (g *grid) naturalSigns(s uint32) uint32 {
	t := (s>>4 ^ s) & 0x0c0c0c0c
	s ^= t ^ t<<4
	if g.halves {
		s = s&0x0000000f | s&0x00000f00 | s>>12&0x000000f0 | s>>12&0x0000f000 |
			s&0x000000f0<<16 | s&0x0000f000<<16 | s>>4&0x000f0000 | s>>4&0x0f000000
	}
	return s
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
