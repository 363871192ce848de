package main

// The AVX2 expanders of grid types gather points from memory, eight rows at a time.
// Registers:
//
//	DI   the unit in its wide layout; R9 its codes
//	SI   the packed unit; R8 a block, R10 its masks, R11 its scales and BX the rests of
//	     numbers
//	R12  tables; R13 halves left, DX blocks left
//	Y0   numbers, then signs or shifts in Y1
//	Y2   a nibble per row of a mask
//	Y7   numbers of points, Y8 their values, Y9 and Y10 temporary
//	Y11  bits of the signs of the second vector of a block
//	Y12  brings the lowest byte of a lane to all four
//	Y13  bits of signs
//	Y14  0x80 in all bytes, Y15 0xff in all lanes
func avx2Grid(f *file) []entry {
	for _, c := range []struct {
		name  string
		value uint32
	}{
		{"mask80", 0x80808080},
		{"low8", 0xff},
		{"low7", 0x7f},
		{"low4", 0x0f},
		{"others3", 0x47},
		{"rect4", 0x87},
		{"low3", 0x07},
		{"three", 0x03},
		{"one1", 0x01},
		{"signs8", 0x80400201},
		{"others8", 0x08042010},
		{"signs4", 0x80200802},
		{"others4", 0x40100401},
		{"scale0e", 0x0e0e0e0e},
		{"scale1e", 0x1e1e1e1e},
		{"one", 0x01010101},
	} {
		constant(f, c.name, c.value)
	}
	for _, g := range gridTypes {
		constant(f, "factor"+g.name, g.factor)
	}
	for i := range 8 {
		f.raw("DATA nibbles<>+%d(SB)/4, $%d", 4*i, 4*i)
		f.raw("DATA spread<>+%d(SB)/4, $0x%08x", 4*i, i%4*4*0x01010101)
	}
	f.raw("GLOBL nibbles<>(SB), RODATA|NOPTR, $32")
	f.raw("GLOBL spread<>(SB), RODATA|NOPTR, $32\n")
	var list []entry
	for _, g := range gridTypes {
		avx2Expander(f, &g)
		list = append(list, entry{tier: "avx2", typ: g.name, name: "avx2Expand" + g.name})
	}
	return list
}

func avx2Expander(f *file, g *gridType) {
	_, codes, bytes := g.wide()
	f.raw("// func avx2Expand%s(dst, src *byte, n int)", g.name)
	f.raw("TEXT ·avx2Expand%s(SB), NOSPLIT, $0-24", g.name)
	f.p("MOVQ dst+0(FP), DI")
	f.p("MOVQ src+8(FP), SI")
	f.p("MOVQ n+16(FP), CX")
	f.p("MOVQ ·tables%s(SB), R12", g.name)
	f.p("VMOVDQU spread<>(SB), Y12")
	f.p("%s", ybcast("mask80", "Y14"))
	f.p("%s", ybcast("low8", "Y15"))
	if g.size == 4 {
		f.p("%s", ybcast("signs4", "Y13"))
		f.p("%s", ybcast("others4", "Y11"))
	} else {
		f.p("%s", ybcast("signs8", "Y13"))
		f.p("%s", ybcast("others8", "Y11"))
	}
	f.raw("loop:")
	avx2Scales(f, g)
	f.p("MOVQ $2, R13")
	f.p("LEAQ %d(SI), R8", g.blocks())
	f.p("LEAQ %d(SI), R10", g.marks())
	f.p("LEAQ %d(SI), BX", g.bits())
	f.p("LEAQ %d(DI), R9", codes)
	f.raw("half:")
	f.p("LEAQ 32(SI), R11")
	f.p("MOVQ $%d, DX", 8/blockStep(g))
	f.raw("block:")
	for i := range blockStep(g) {
		avx2Block(f, g, i)
	}
	f.p("ADDQ $%d, R8", blockStep(g)*g.blockBytes())
	f.p("ADDQ $%d, R10", blockStep(g)*8*g.vecs()*g.masks)
	f.p("ADDQ $64, BX")
	f.p("ADDQ $%d, R9", blockStep(g)*512)
	f.p("ADDQ $16, R11")
	f.p("DECQ DX")
	f.p("JNE block")
	// The other eight rows: 32 bytes on in each vector, 4 in each mask, 8 in bytes.
	f.p("LEAQ %d(SI), R8", g.blocks()+32)
	f.p("LEAQ %d(SI), R10", g.marks()+4)
	f.p("LEAQ %d(SI), BX", g.bits()+32)
	f.p("LEAQ %d(DI), R9", codes+32)
	f.p("ADDQ $8, SI")
	f.p("DECQ R13")
	f.p("JNE half")
	f.p("ADDQ $%d, SI", g.bytes()-16)
	f.p("ADDQ $%d, DI", bytes)
	f.p("DECQ CX")
	f.p("JNE loop")
	f.p("VZEROUPPER")
	f.p("RET\n")
}

// blockStep is the number of blocks per turn of the loop: as many as share vectors.
func blockStep(g *gridType) int { return []int{1, 0, 0, 8, 2}[g.rests] }

// avx2Scales writes d and the odd numbers of all nibbles.
func avx2Scales(f *file, g *gridType) {
	f.p("VBROADCASTSS factor%s<>(SB), Y10", g.name)
	for h := range 2 {
		f.p("VCVTPH2PS %d(SI), Y9", 16*h)
		f.p("VMULPS Y10, Y9, Y9")
		f.p("VMOVUPS Y9, %d(DI)", 32*h)
	}
	f.p("VPBROADCASTD scale%02x<>(SB), X10", g.scaleBits)
	f.p("VPBROADCASTD one<>(SB), X9")
	for i := range (g.bits() - 32) / 16 {
		f.p("VMOVDQU %d(SI), X7", 32+16*i)
		f.p("VPADDB X7, X7, X8")
		f.p("VPSRLW $3, X7, X7")
		for k, x := range []string{"X8", "X7"} {
			f.p("VPAND X10, %s, %s", x, x)
			f.p("VPOR X9, %s, %s", x, x)
			f.p("VMOVDQU %s, %d(DI)", x, 64+32*i+16*k)
		}
	}
}

// avx2Block writes the codes of eight rows of block i of a turn.
func avx2Block(f *file, g *gridType, i int) {
	at := i * g.blockBytes()
	switch {
	case g.signs:
		f.p("VMOVDQU %d(R8), Y1", at+64*g.vecs())
	case !g.halves:
		// The top bits of a pair of nibbles are the shifts of two blocks.
		f.p("VPMOVZXBD (R11), Y1")
		f.p("VPSLLD $%d, Y1, Y1", 28-4*i)
		f.p("VPSRAD $31, Y1, Y1")
		f.p("VPADDB Y1, Y1, Y1")
	}
	for v := range g.vecs() {
		f.p("VMOVDQU %d(R8), Y0", at+64*v)
		for m := range g.masks {
			f.p("VPBROADCASTD %d(R10), Y%d", 8*((i*g.vecs()+v)*g.masks+m), 2+m)
			f.p("VPSRLVD nibbles<>(SB), Y%d, Y%d", 2+m, 2+m)
		}
		for k := range 4 {
			avx2Point(f, g, i, v, k)
		}
	}
}

// avx2Point writes the one or two quads of point k of vector v.
func avx2Point(f *file, g *gridType, i, v, k int) {
	base := tablePlanes + 2*g.points
	number := func(mask, bit int) { // joins a further bit
		f.p("VPSLLD $%d, Y%d, Y9", 31-k, 2+mask)
		f.p("VPSRLD $31, Y9, Y9")
		f.p("VPSLLD $%d, Y9, Y9", bit)
		f.p("VPOR Y9, Y7, Y7")
	}
	lower := func(mask string) {
		if k == 0 {
			f.p("VPAND %s, Y0, Y7", mask)
			return
		}
		f.p("VPSRLD $%d, Y0, Y7", 8*k)
		f.p("VPAND %s, Y7, Y7", mask)
	}
	if g.rests > 0 {
		avx2Split(f, g, i, k, lower)
		return
	}
	lower("Y15")
	switch {
	case g.size == 8:
		for m := range g.masks {
			number(m, 8+m)
		}
		avx2Quad(f, g, base, 8, 64*(2*k), 2*k)
		avx2Quad(f, g, base+4, 8, 64*(2*k+1), 2*k+1)
	default:
		for m := range g.masks {
			number(m, 8+m)
		}
		avx2Quad(f, g, base, 4, 64*(4*v+k), 4*v+k)
	}
}

// avx2Split writes the quads of point k, whose halves have numbers of their own. See
// join and putRests.
func avx2Split(f *file, g *gridType, i, k int, lower func(mask string)) {
	base := tablePlanes + 2*g.points
	part := func(at, right int, mask, to string) { // bits of a rest, at the lowest places
		if right+8*k > 0 {
			f.p("VPSRLD $%d, %d(BX), %s", right+8*k, at, to)
			f.p("VPAND %s, %s, %s", mask, to, to)
		} else {
			f.p("VPAND %d(BX), %s, %s", at, mask, to)
		}
	}
	low := func(name string) string { // a mask, in Y10
		f.p("%s", ybcast(name, "Y10"))
		return "Y10"
	}
	if g.rests == 4 {
		if g.halves {
			f.p("VPSLLD $%d, Y2, Y1", 31-k)
			f.p("VPSRAD $31, Y1, Y1")
			f.p("VPADDB Y1, Y1, Y1")
		}
		lower("Y15")
		avx2Quad(f, g, base, 4, 512*i+64*(2*k), 0)
		lower(low("rect4"))
		low("low4")
		part(0, 4*i, "Y10", "Y9")
		f.p("VPSLLD $3, Y9, Y9")
	} else {
		lower(low("low7"))
		avx2Quad(f, g, base, 4, 512*i+64*(2*k), 2*k)
		f.p("VPSRLD $%d, Y0, Y7", 1+8*k)
		f.p("VPAND %s, Y7, Y7", low("others3"))
		if i < 6 {
			low("low3")
			part(64*(i/2), 3-i%2*3, "Y10", "Y9")
		} else {
			low("three")
			part(128*(i-6), 6, "Y10", "Y9")
			low("one1")
			part(64, i, "Y10", "Y8")
			f.p("VPSLLD $2, Y8, Y8")
			f.p("VPOR Y8, Y9, Y9")
		}
		f.p("VPSLLD $3, Y9, Y9")
	}
	f.p("VPOR Y9, Y7, Y7")
	avx2Quad(f, g, base+4*g.points, 4, 512*i+64*(2*k+1), 2*k+1)
}

// avx2Quad gathers the values of a quad, gives them their signs or shifts, adds 128
// and stores them.
func avx2Quad(f *file, g *gridType, table, scale, to, q int) {
	f.p("VPCMPEQD Y9, Y9, Y9")
	f.p("VPGATHERDD Y9, %d(R12)(Y7*%d), Y8", table, scale)
	if !g.signs {
		f.p("VPADDB Y1, Y8, Y8")
	} else {
		bits := "Y13"
		second, shift := g.signs4(q)
		if second {
			bits = "Y11"
		}
		from := "Y1"
		if shift > 0 {
			f.p("VPSRLD $%d, Y1, Y10", shift)
			from = "Y10"
		}
		f.p("VPSHUFB Y12, %s, Y10", from)
		f.p("VPAND %s, Y10, Y10", bits)
		f.p("VPCMPEQB %s, Y10, Y10", bits)
		f.p("VPXOR Y10, Y8, Y8")
		f.p("VPSUBB Y10, Y8, Y8")
	}
	f.p("VPXOR Y14, Y8, Y8")
	f.p("VMOVDQU Y8, %d(R9)", to)
}

// signs4 says where the signs of a quad are: in which vector's bits, and in which
// byte of a lane, counted in bits. See signAt and mingle.
func (g *gridType) signs4(q int) (second bool, shift int) {
	k, plane := q/2, q%2
	switch {
	case g.size == 4:
		return q >= 4, q % 4 * 8
	case !g.halves:
		return plane == 1, 8 * k
	case k < 2:
		return false, 8 * (k + 2*plane)
	}
	return true, 8 * (k - 2*plane)
}
