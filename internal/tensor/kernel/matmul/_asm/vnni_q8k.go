package main

import "fmt"

// A q8kType is a type whose units have 256 columns, in blocks of 16 or 32 that
// have integer scales.
type q8kType struct {
	name  string
	bytes int
	set   []string
	d     []string // puts the 16 scales of the unit into Z26
	dmin  []string // and the scales of the minimums into Z27
	block int      // columns per block
	// scale puts the 16 integer scales of block b into Z26.
	scale func(f *file, b int)
	// quad puts the codes of quad q of block b into w. Z25 and Z27 are free.
	quad func(f *file, b, q int, w string)
	// permute is quad for processors with VBMI.
	permute func(f *file, b, q int, w string)
	// mins is the number of pairs of minimums and the offset of the sums of
	// activations that they meet; minPair puts pair p into Z26.
	mins, sums int
	minPair    func(f *file, p int)
}

func f16Pair() (d, m []string) {
	return []string{"VCVTPH2PS (SI), Z26"}, []string{"VCVTPH2PS 32(SI), Z27"}
}

func q8kTypes() []q8kType {
	d, m := f16Pair()
	f32 := []string{"VMOVUPS (SI), Z26"}
	u8 := func(f *file, b int) { f.p("VPMOVZXBD %d(SI), Z26", 64+16*b) }
	i8 := func(f *file, b int) { f.p("VPMOVSXBD %d(SI), Z26", 64+16*b) }
	// Nibbles of a pair of blocks: the even block has the low ones.
	pairQuad := func(off int) func(f *file, b, q int, w string) {
		return func(f *file, b, q int, w string) {
			o := off + 512*(b/2) + 64*q
			if b%2 == 0 {
				f.p("VPANDD %d(SI), Z31, %s", o, w)
				return
			}
			f.p("VPSRLD $4, %d(SI), %s", o, w)
			f.p("VPANDD %s, Z31, %s", w, w)
		}
	}
	pairMin := func(f *file, p int) { f.p("VPMOVZXBW %d(SI), Z26", 192+32*p) }
	return []q8kType{
		{
			name: "Q4_K", bytes: 2368, block: 32, set: []string{bcast("mask0F", "Z31")},
			d: d, dmin: m, scale: u8, quad: pairQuad(320),
			mins: 4, sums: 352, minPair: pairMin,
		},
		{
			name: "Q5_K", bytes: 2880, block: 32,
			set: []string{bcast("mask0F", "Z31"), bcast("mask10", "Z30")},
			d:   d, dmin: m, scale: u8,
			quad: func(f *file, b, q int, w string) {
				pairQuad(832)(f, b, q, w)
				shift(f, 4-b, 320+64*q, "Z27")
				f.p("VPTERNLOGD $0xf8, Z30, Z27, %s // w |= Z27 & Z30", w)
			},
			mins: 4, sums: 352, minPair: pairMin,
		},
		{
			// Codes 0..63 stand for -32..31; times 4 they are 4*(code-32) + 128.
			name: "Q6_K", bytes: 3392, block: 16,
			set: []string{bcast("mask3C", "Z31"), bcast("maskC0", "Z30")},
			d:   f32, scale: i8,
			quad: func(f *file, b, q int, w string) {
				h, m, j := b/8, b%8/2, b%2*4+q
				left := 2
				if m >= 2 {
					left = -2
				}
				shift(f, left, q6Vec(h, j, m%2), w)
				f.p("VPANDD %s, Z31, %s", w, w)
				shift(f, 6-2*m, q6Vec(h, j, 2), "Z27")
				f.p("VPTERNLOGD $0xf8, Z30, Z27, %s // w |= Z27 & Z30", w)
			},
		},
		{
			// Codes 0..7 stand for -4..3; times 32 they are 32*(code-4) + 128.
			name: "Q3_K", bytes: 1856, block: 16,
			set: []string{bcast("mask60", "Z31"), bcast("mask80", "Z30")},
			d:   f32, scale: i8,
			quad: func(f *file, b, q int, w string) {
				h, m, j := b/8, b%8/2, b%2*4+q
				shift(f, 5-2*m, q3Vec(h, j), w)
				f.p("VPANDD %s, Z31, %s", w, w)
				shift(f, 7-(4*h+m), q3Bits(j), "Z27")
				f.p("VPTERNLOGD $0xf8, Z30, Z27, %s // w |= Z27 & Z30", w)
			},
		},
		{
			name: "Q2_K", bytes: 1344, block: 16,
			set: []string{bcast("mask03", "Z31"), bcast("low4", "Z30")},
			d:   d, dmin: m,
			scale: func(f *file, b int) {
				f.p("VPMOVZXBW %d(SI), Z26", 64+32*(b/2))
				if b%2 == 1 {
					f.p("VPSRLD $16, Z26, Z26")
				}
				f.p("VPANDD Z30, Z26, Z26")
			},
			quad: func(f *file, b, q int, w string) {
				h, m, j := b/8, b%8/2, b%2*4+q
				o := 320 + 64*(8*h+j)
				if m == 0 {
					f.p("VPANDD %d(SI), Z31, %s", o, w)
					return
				}
				shift(f, -2*m, o, w)
				f.p("VPANDD %s, Z31, %s", w, w)
			},
			mins: 8, sums: 320,
			minPair: func(f *file, p int) {
				f.p("VPMOVZXBW %d(SI), Z26", 64+32*p)
				f.p("VPSRLW $4, Z26, Z26")
			},
		},
		{
			name: "IQ4_XS", bytes: 2240, block: 32,
			set: []string{bcast("mask0F", "Z31"), "VBROADCASTI32X4 iq4nl<>(SB), Z29"},
			d:   f32, scale: i8,
			quad:    func(f *file, b, q int, w string) { lookup(f, 192+256*b, q, w) },
			permute: func(f *file, b, q int, w string) { permute(f, 192+256*b, q, w) },
		},
		{
			name: "Wide16", bytes: 4416, block: 16, d: f32, scale: i8,
			quad: func(f *file, b, q int, w string) { f.p("VMOVDQU32 %d(SI), %s", 320+64*(4*b+q), w) },
		},
		{
			name: "Wide32", bytes: 4288, block: 32, d: f32, scale: i8,
			quad: func(f *file, b, q int, w string) { f.p("VMOVDQU32 %d(SI), %s", 192+64*(8*b+q), w) },
		},
	}
}

// q6Vec is the offset of a vector of Q6_K: quad j of half h; part 0 and 1 are
// nibbles, 2 the bit pairs.
func q6Vec(h, j, part int) int { return 320 + 192*(8*h+j) + 64*part }

// q3Bits and q3Vec are the offsets of the third bits and of the bit pairs.
func q3Bits(j int) int { return 320 + 128*j }

func q3Vec(h, j int) int {
	if h == 0 {
		return q3Bits(j) + 64
	}
	return 320 + 1024 + 64*j
}

func vnniQ8K(f *file) []entry {
	for _, c := range []struct {
		name  string
		value uint32
	}{
		{"mask0F", 0x0f0f0f0f},
		{"mask10", 0x10101010},
		{"mask3C", 0x3c3c3c3c},
		{"maskC0", 0xc0c0c0c0},
		{"mask60", 0x60606060},
		{"mask80", 0x80808080},
		{"mask03", 0x03030303},
		{"low4", 0x0000000f},
	} {
		constant(f, c.name, c.value)
	}
	table(f, "iq4nl", iq4nl)
	f.raw("")
	var list []entry
	for _, ny := range vnniTiles {
		vnniMacros(f, ny)
		q8kMacros(f, ny, 12)
		if ny <= decodeTile {
			q8kMacros(f, ny, 16)
			streamMacros(f, ny)
		}
		for _, t := range q8kTypes() {
			name := fmt.Sprintf("vnni%sx%d", t.name, ny)
			if s, ok := streams[t.name]; ok && ny <= s.rows {
				vnniStreamKernel(f, name, &t, &s, ny)
			} else {
				vnniQ8KKernel(f, name, &t, ny)
			}
			list = append(list, entry{"vnni", t.name, ny, name})
			if t.permute != nil {
				name := fmt.Sprintf("vbmi%sx%d", t.name, ny)
				t.quad = t.permute
				vnniQ8KKernel(f, name, &t, ny)
				list = append(list, entry{"vbmi", t.name, ny, name})
			}
		}
	}
	return byType(list)
}

// q8kMacros defines the end of a block and the end of a unit, with the sums of
// the unit in the registers from sum on.
func q8kMacros(f *file, ny, sum int) {
	f.macro(fmt.Sprintf("CLEAR%dx%d", ny, sum), ny, func(c int) string {
		return fmt.Sprintf("VPXORD Z%d, Z%d, Z%d", c+sum, c+sum, c+sum)
	})
	f.macro(fmt.Sprintf("FINISH%dx%d", ny, sum), ny, func(c int) string {
		return fmt.Sprintf("VMULPS.BCST 368(%s), Z26, Z25; VCVTDQ2PS Z%d, Z%d; VMULPS Z25, Z%d, Z%d; VADDPS %d(DI), Z%d, Z%d",
			vnniCols[c], c+sum, c+sum, c+sum, c+sum, 64*c, c+sum, c+sum)
	})
	f.macro(fmt.Sprintf("FINISHMIN%dx%d", ny, sum), ny, func(c int) string {
		return fmt.Sprintf("VMULPS.BCST 368(%s), Z27, Z25; VCVTDQ2PS Z%d, Z%d; VMULPS Z25, Z%d, Z%d; VSUBPS Z%d, Z%d, Z%d",
			vnniCols[c], c, c, c, c, c, c+sum, c+sum)
	})
	f.macro(fmt.Sprintf("SAVE%dx%d", ny, sum), ny, func(c int) string {
		return fmt.Sprintf("VMOVUPS Z%d, %d(DI)", c+sum, 64*c)
	})
	if sum != 12 {
		return
	}
	f.macro(fmt.Sprintf("WEIGH%d", ny), ny, func(c int) string {
		return fmt.Sprintf("VPMULLD Z26, Z%d, Z%d; VPADDD Z%d, Z%d, Z%d", c, c, c, c+12, c+12)
	})
}

func vnniQ8KKernel(f *file, name string, t *q8kType, ny int) {
	vnniStart(f, name, ny)
	for _, s := range t.set {
		f.p("%s", s)
	}
	f.p("CMPQ more+40(FP), $0")
	f.p("JNE loop")
	f.p("CLEAR%dx12", ny)
	f.p("SAVE%dx12", ny)
	f.raw("loop:")
	f.p("CLEAR%dx12", ny)
	pre := prefetcher{f: f, on: ny <= decodeTile, end: t.bytes}
	for b := range 256 / t.block {
		q8kBlock(f, t, ny, b, &pre)
	}
	pre.rest()
	unitEnd(f, t, ny, 12)
}

// unitEnd adds the unit's sums, from register sum on, to those in memory, and
// closes the loop.
func unitEnd(f *file, t *q8kType, ny, sum int) {
	if t.mins > 0 {
		f.p("ZERO%d", ny)
		for p := range t.mins {
			t.minPair(f, p)
			f.p("DOTW%d(%d, Z26)", ny, t.sums+4*p)
		}
	}
	for _, s := range append(append([]string{}, t.d...), t.dmin...) {
		f.p("%s", s)
	}
	f.p("FINISH%dx%d", ny, sum)
	if t.mins > 0 {
		f.p("FINISHMIN%dx%d", ny, sum)
	}
	f.p("SAVE%dx%d", ny, sum)
	f.p("ADDQ $%d, SI", t.bytes)
	f.p("NEXT%d(384)", ny)
	f.p("DECQ n+8(FP)")
	f.p("JNE loop")
	f.p("VZEROUPPER")
	f.p("RET\n")
}

func q8kBlock(f *file, t *q8kType, ny, b int, pre *prefetcher) {
	switch {
	case t.mins > 0:
		f.p("ZERO%d", ny)
	case t.block == 16:
		f.p("INIT%d(%d)", ny, 256+4*b)
	default:
		f.p("INIT%d(%d)", ny, 256+8*b)
		f.p("PLUS%d(%d)", ny, 256+8*b+4)
	}
	order := []int{0, 1, 2, 3}
	if t.block == 32 {
		order = inLine
	}
	if t.name == "IQ4_XS" {
		order = pairs
	}
	for i, q := range order {
		pre.line()
		w := [2]string{"Z24", "Z28"}[i%2]
		t.quad(f, b, q, w)
		f.p("DOT%d(%d, %s)", ny, t.block*b+4*q, w)
	}
	t.scale(f, b)
	f.p("WEIGH%d", ny)
}
