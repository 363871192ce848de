package main

import "fmt"

// A q8kHalf describes half a unit of 256 columns.
type q8kHalf struct {
	name   string
	bytes  int
	set    []string
	block  int // columns per integer scale
	acc    int
	signed bool
	load   func(f *file, b, q int)
	// scale puts the scales of block b into Y11, each as a pair of equal words.
	scale   func(f *file, b int)
	d, dmin []string // scales into Y11, scales of minimums into Y12
	// pairs of minimums meet the sums of activations at sums; with center, they
	// are the scales themselves, and the result counts -(1 << center).
	mins, sums int
	minPair    func(f *file, p int)
	center     int
}

// twice makes pairs of equal words of the numbers in Y11.
func twice(f *file) {
	f.p("VPSLLD $16, Y11, Y12")
	f.p("VPBLENDW $0xaa, Y12, Y11, Y11")
}

func q8kHalves() []q8kHalf {
	d, m := []string{"VCVTPH2PS (DI), Y11"}, []string{"VCVTPH2PS 32(DI), Y12"}
	f32 := []string{"VMOVUPS (SI), Y11"}
	u8 := func(f *file, b int) { f.p("VPMOVZXBD %d(BX), Y11", 64+16*b); twice(f) }
	i8 := func(f *file, b int) { f.p("VPMOVSXBD %d(BX), Y11", 64+16*b); twice(f) }
	pairMin := func(f *file, p int) { f.p("VPMOVZXBW %d(DI), Y11", 192+32*p) }
	scalePair := func(f *file, p int) {
		f.p("VPMOVSXBD %d(BX), Y11", 64+32*p)
		f.p("VPMOVSXBD %d(BX), Y12", 64+32*p+16)
		f.p("VPSLLD $16, Y12, Y12")
		f.p("VPBLENDW $0xaa, Y12, Y11, Y11")
	}
	pairQuad := func(off int) func(f *file, b, q int) {
		return func(f *file, b, q int) { ybits(f, -4*(b%2), off+512*(b/2)+64*q, "Y15") }
	}
	return []q8kHalf{
		{
			name: "Q4_K", bytes: 2368, block: 32, acc: 8, set: []string{ybcast("mask0F", "Y15")},
			load: pairQuad(320), scale: u8, d: d, dmin: m, mins: 4, sums: 352, minPair: pairMin,
		},
		{
			name: "Q5_K", bytes: 2880, block: 32, acc: 4,
			set: []string{ybcast("mask0F", "Y15"), ybcast("mask10", "Y14")},
			load: func(f *file, b, q int) {
				pairQuad(832)(f, b, q)
				yor(f, 4-b, 320+64*q, "Y14")
			},
			scale: u8, d: d, dmin: m, mins: 4, sums: 352, minPair: pairMin,
		},
		{
			name: "Q6_K", bytes: 3392, block: 16, acc: 2,
			set: []string{ybcast("mask0F", "Y15"), ybcast("mask30", "Y14"), ybcast("four", "Y13")},
			load: func(f *file, b, q int) {
				h, m, j := b/8, b%8/2, b%2*4+q
				ybits(f, -4*(m/2), q6Vec(h, j, m%2), "Y15")
				yor(f, 4-2*m, q6Vec(h, j, 2), "Y14")
			},
			scale: i8, d: append(f32, "VMULPS Y13, Y11, Y11"), mins: 8, sums: 320, minPair: scalePair, center: 5,
		},
		{
			name: "Q3_K", bytes: 1856, block: 16, acc: 4,
			set: []string{ybcast("mask03", "Y15"), ybcast("mask04", "Y14"), ybcast("thirtytwo", "Y13")},
			load: func(f *file, b, q int) {
				h, m, j := b/8, b%8/2, b%2*4+q
				ybits(f, -2*m, q3Vec(h, j), "Y15")
				yor(f, 2-(4*h+m), q3Bits(j), "Y14")
			},
			scale: i8, d: append(f32, "VMULPS Y13, Y11, Y11"), mins: 8, sums: 320, minPair: scalePair, center: 2,
		},
		{
			name: "Q2_K", bytes: 1344, block: 16, acc: 4,
			set: []string{ybcast("mask03", "Y15"), ybcast("low4", "Y14")},
			load: func(f *file, b, q int) {
				h, m, j := b/8, b%8/2, b%2*4+q
				ybits(f, -2*m, 320+64*(8*h+j), "Y15")
			},
			scale: func(f *file, b int) {
				f.p("VPMOVZXBW %d(DI), Y11", 64+32*(b/2))
				if b%2 == 1 {
					f.p("VPSRLD $16, Y11, Y11")
				}
				f.p("VPAND Y14, Y11, Y11")
				twice(f)
			},
			d: d, dmin: m, mins: 8, sums: 320,
			minPair: func(f *file, p int) {
				f.p("VPMOVZXBW %d(DI), Y11", 64+32*p)
				f.p("VPSRLW $4, Y11, Y11")
			},
		},
		{
			name: "IQ4_XS", bytes: 2240, block: 32, acc: 1, signed: true,
			set:  []string{ybcast("mask0F", "Y15"), "VBROADCASTI128 iq4nl<>(SB), Y13"},
			load: func(f *file, b, q int) { ylookup(f, 192+256*b, q) }, scale: i8, d: f32,
		},
		{
			name: "Wide16", bytes: 4416, block: 16, acc: 1, signed: true, set: []string{ybcast("mask80", "Y15")},
			load: func(f *file, b, q int) { f.p("VPXOR %d(SI), Y15, Y9", 320+64*(4*b+q)) }, scale: i8, d: f32,
		},
		{
			name: "Wide32", bytes: 4288, block: 32, acc: 1, signed: true, set: []string{ybcast("mask80", "Y15")},
			load: func(f *file, b, q int) { f.p("VPXOR %d(SI), Y15, Y9", 192+64*(8*b+q)) }, scale: i8, d: f32,
		},
	}
}

func avx2Q8K(f *file) []entry {
	for _, c := range []struct {
		name  string
		value uint32
	}{
		{"mask0F", 0x0f0f0f0f},
		{"mask10", 0x10101010},
		{"mask30", 0x30303030},
		{"mask03", 0x03030303},
		{"mask04", 0x04040404},
		{"mask80", 0x80808080},
		{"low4", 0x0000000f},
		{"four", 0x40800000},
		{"thirtytwo", 0x42000000},
	} {
		constant(f, c.name, c.value)
	}
	signedTable(f, "iq4nl", iq4nl)
	f.raw("")
	var list []entry
	for _, ny := range avx2Tiles {
		avx2Macros(f, ny)
		avx2Q8KMacros(f, ny)
		for _, t := range q8kHalves() {
			name := fmt.Sprintf("avx2%sx%d", t.name, ny)
			avx2Unit(f, name, ny, t.bytes, 384, t.set, func() { q8kHalfBody(f, &t, ny) })
			list = append(list, entry{"avx2", t.name, ny, name})
		}
	}
	return byType(list)
}

func avx2Q8KMacros(f *file, ny int) {
	f.macro(fmt.Sprintf("ZERO%d", ny), ny, func(c int) string {
		return fmt.Sprintf("VPXOR Y%d, Y%d, Y%d", c, c, c)
	})
	avx2Q8KSums(f, ny)
}

// avx2Q8KSums defines the end of a unit, with its sums in Y4 to Y7.
func avx2Q8KSums(f *file, ny int) {
	r := func(c int) string { return avx2Cols[c] }
	f.macro(fmt.Sprintf("DOTW%d(off)", ny), ny, func(c int) string {
		return fmt.Sprintf("VPBROADCASTD off(%s), Y8; VPMADDWD Y8, Y11, Y8; VPADDD Y8, Y%d, Y%d", r(c), c, c)
	})
	f.macro(fmt.Sprintf("CENTER%d(n)", ny), ny, func(c int) string {
		return fmt.Sprintf("VPSLLD $n, Y%d, Y%d; VPSUBD Y%d, Y%d, Y%d", c, c, c, c+4, c+4)
	})
	f.macro(fmt.Sprintf("FINISH%d", ny), ny, func(c int) string {
		return fmt.Sprintf("VBROADCASTSS 368(%s), Y8; VMULPS Y11, Y8, Y8; VCVTDQ2PS Y%d, Y%d; VMULPS Y8, Y%d, Y%d; VADDPS %d(DX), Y%d, Y%d",
			r(c), c+4, c+4, c+4, c+4, 64*c, c+4, c+4)
	})
	f.macro(fmt.Sprintf("FINISHMIN%d", ny), ny, func(c int) string {
		return fmt.Sprintf("VBROADCASTSS 368(%s), Y8; VMULPS Y12, Y8, Y8; VCVTDQ2PS Y%d, Y%d; VMULPS Y8, Y%d, Y%d; VSUBPS Y%d, Y%d, Y%d",
			r(c), c, c, c, c, c, c+4, c+4)
	})
	f.macro(fmt.Sprintf("SAVE%d", ny), ny, func(c int) string {
		return fmt.Sprintf("VMOVUPS Y%d, %d(DX)", c+4, 64*c)
	})
}

func q8kHalfBody(f *file, t *q8kHalf, ny int) {
	pre := halfPrefetcher{f: f, end: t.bytes}
	order := []int{0, 1, 2, 3}
	if t.block == 32 {
		order = inLine
	}
	if t.name == "IQ4_XS" {
		order = pairs
	}
	f.p("CLEAR%d", ny)
	stream, ok := halfStreams[t.name]
	if ok = ok && ny == 1; ok {
		halfStreamBody(f, t, &stream, &pre)
	}
	for b := range 256 / t.block {
		if ok {
			break
		}
		t.scale(f, b)
		quads(f, &pre, ny, t.block*b, t.acc, t.signed, order, func(q int) { t.load(f, b, q) }, "Y11")
	}
	if t.mins > 0 {
		f.p("ZERO%d", ny)
		for p := range t.mins {
			t.minPair(f, p)
			f.p("DOTW%d(%d)", ny, t.sums+4*p)
		}
		if t.center > 0 {
			f.p("CENTER%d(%d)", ny, t.center)
		}
	}
	for _, s := range append(append([]string{}, t.d...), t.dmin...) {
		f.p("%s", s)
	}
	f.p("FINISH%d", ny)
	if t.dmin != nil {
		f.p("FINISHMIN%d", ny)
	}
	f.p("SAVE%d", ny)
}
