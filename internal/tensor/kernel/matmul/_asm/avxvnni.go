package main

import (
	"fmt"
	"slices"
)

// The AVX-VNNI kernels are the AVX2 kernels with VPDPBUSD in place of VPMADDUBSW,
// VPMADDWD and VPADDD: it multiplies unsigned codes with signed activations and
// adds four neighbours into 32 bits, without saturation. So signed codes come with
// 128 added, and no sum has to be widened. Registers as in avx2.go, but:
//
//	Y0..Y3  sums of a block, in 32 bits
//	Y4..Y7  sums of a unit of 256 columns; a stream has one only, in Y4
//	Y11     plain scales, for VPMULLD
//
// The instruction itself is a macro, DPBUSD0 to DPBUSD3: Y0 to Y3 += Y9 * Y8, and
// for streams PDPBUSD0 to PDPBUSD3: Y0 to Y3 += Y5 * Y7.

// avxvnniMacros defines the steps on ny rows of activations.
func avxvnniMacros(f *file, ny int) {
	r := func(c int) string { return avx2Cols[c] }
	f.macro(fmt.Sprintf("ZERO%d", ny), ny, func(c int) string {
		return fmt.Sprintf("VPXOR Y%d, Y%d, Y%d", c, c, c)
	})
	f.macro(fmt.Sprintf("INIT%d(off, n)", ny), ny, func(c int) string {
		return fmt.Sprintf("VPBROADCASTD off(%s), Y%d; VPSRAD $n, Y%d, Y%d", r(c), c, c, c)
	})
	f.macro(fmt.Sprintf("PLUS%d(off)", ny), ny, func(c int) string {
		return fmt.Sprintf("VPBROADCASTD off(%s), Y8; VPADDD Y8, Y%d, Y%d", r(c), c, c)
	})
	f.macro(fmt.Sprintf("MINUS%d(off)", ny), ny, func(c int) string {
		return fmt.Sprintf("VPBROADCASTD off(%s), Y8; VPSUBD Y8, Y%d, Y%d", r(c), c, c)
	})
	f.macro(fmt.Sprintf("DOT%d(off)", ny), ny, func(c int) string {
		return fmt.Sprintf("VPBROADCASTD off(%s), Y8; DPBUSD%d", r(c), c)
	})
	f.macro(fmt.Sprintf("CLEAR%d", ny), ny, func(c int) string {
		return fmt.Sprintf("VPXOR Y%d, Y%d, Y%d", c+4, c+4, c+4)
	})
	f.macro(fmt.Sprintf("WEIGH%d", ny), ny, func(c int) string {
		return fmt.Sprintf("VPMULLD Y11, Y%d, Y%d; VPADDD Y%d, Y%d, Y%d", c, c, c, c+4, c+4)
	})
	f.macro(fmt.Sprintf("NEXT%d(n)", ny), ny, func(c int) string {
		return fmt.Sprintf("ADDQ $n, %s", r(c))
	})
}

// avxvnni writes the bodies of all kernels of the tier. They are included by two
// assembly files: with the instruction in its VEX form, and, for tests on
// machines that have only that, in its AVX-512 form.
func avxvnni(f *file) []entry {
	for _, c := range []struct {
		name  string
		value uint32
	}{
		{"mask0F", 0x0f0f0f0f},
		{"mask10", 0x10101010},
		{"mask30", 0x30303030},
		{"mask03", 0x03030303},
		{"mask04", 0x04040404},
		{"low4", 0x0000000f},
		{"ones", 0x00010001},
		{"four", 0x40800000},
		{"thirtytwo", 0x42000000},
		{"subnormal", 1 << 22},
		{"ue4m3", 0x43000000},
		{"half", 0x3f000000},
	} {
		constant(f, c.name, c.value)
	}
	table(f, "iq4nl", iq4nl)
	table(f, "fp4", fp4)
	f.raw("")
	var list []entry
	for _, ny := range avx2Tiles {
		avxvnniMacros(f, ny)
		avxvnniQ8Macros(f, ny)
		avx2Q8KSums(f, ny)
		for _, t := range avxvnniQ8() {
			name := fmt.Sprintf("avxvnni%sx%d", t.name, ny)
			avx2Unit(f, name, ny, t.bytes, 48, t.set, func() { avxvnniQ8Body(f, &t, ny) })
			list = append(list, entry{"avxvnni", t.name, ny, name})
		}
		for _, t := range avxvnniQ8K() {
			name := fmt.Sprintf("avxvnni%sx%d", t.name, ny)
			avx2Unit(f, name, ny, t.bytes, 384, t.set, func() { avxvnniQ8KBody(f, &t, ny) })
			list = append(list, entry{"avxvnni", t.name, ny, name})
		}
	}
	return byType(list)
}

// avxvnniQ8 are the types of 32 columns: those of AVX2, with unsigned codes.
func avxvnniQ8() []q8Half {
	types := slices.Clone(q8Halves)
	for i := range types {
		t := &types[i]
		if t.name == "Q8_0" {
			t.set, t.load = nil, func(f *file, q int) { f.p("VMOVDQU %d(SI), Y9", 32+64*q) }
		}
	}
	return types
}

// avxvnniQ8Macros defines the end of a unit of 32 columns.
func avxvnniQ8Macros(f *file, ny int) {
	r := func(c int) string { return avx2Cols[c] }
	f.macro(fmt.Sprintf("SCALE%d", ny), ny, func(c int) string {
		return fmt.Sprintf("VBROADCASTSS 32(%s), Y8; VMULPS Y11, Y8, Y8; VCVTDQ2PS Y%d, Y%d; VMULPS Y8, Y%d, Y%d; VADDPS %d(DX), Y%d, Y%d",
			r(c), c, c, c, c, 64*c, c, c)
	})
	f.macro(fmt.Sprintf("MIN%d", ny), ny, func(c int) string {
		return fmt.Sprintf("VBROADCASTSS 36(%s), Y8; VMULPS Y12, Y8, Y8; VADDPS Y8, Y%d, Y%d", r(c), c, c)
	})
	f.macro(fmt.Sprintf("STORE%d", ny), ny, func(c int) string {
		return fmt.Sprintf("VMOVUPS Y%d, %d(DX)", c, 64*c)
	})
}

func avxvnniQ8Body(f *file, t *q8Half, ny int) {
	pre := halfPrefetcher{f: f, end: t.bytes}
	runs := [][]int{t.order}
	if t.halves {
		runs = [][]int{t.order[:4], t.order[4:]}
	}
	for i, run := range runs {
		switch {
		case t.min != nil:
			f.p("ZERO%d", ny)
		case t.halves && i == 0:
			f.p("INIT%d(44, 0)", ny)
		default:
			f.p("INIT%d(40, %d)", ny, t.center)
		}
		if i == 1 {
			f.p("MINUS%d(44)", ny)
		}
		for _, q := range run {
			pre.line()
			t.load(f, q)
			f.p("DOT%d(%d)", ny, 4*q)
		}
		for _, s := range [][]string{t.scale, t.scale2}[i] {
			f.p("%s", s)
		}
		f.p("SCALE%d", ny)
		if t.min != nil {
			for _, s := range t.min {
				f.p("%s", s)
			}
			f.p("MIN%d", ny)
		}
		f.p("STORE%d", ny)
	}
}

// avxvnniQ8K are the types of 256 columns, with plain scales.
func avxvnniQ8K() []q8kHalf {
	types := q8kHalves()
	for i := range types {
		t := &types[i]
		switch t.name {
		case "Wide16":
			t.set, t.load = nil, func(f *file, b, q int) { f.p("VMOVDQU %d(SI), Y9", 320+64*(4*b+q)) }
		case "Wide32":
			t.set, t.load = nil, func(f *file, b, q int) { f.p("VMOVDQU %d(SI), Y9", 192+64*(8*b+q)) }
		}
		switch {
		case t.name == "Q2_K":
			t.scale = func(f *file, b int) {
				f.p("VPMOVZXBW %d(DI), Y11", 64+32*(b/2))
				if b%2 == 1 {
					f.p("VPSRLD $16, Y11, Y11")
				}
				f.p("VPAND Y14, Y11, Y11")
			}
		case t.dmin != nil:
			t.scale = func(f *file, b int) { f.p("VPMOVZXBD %d(BX), Y11", 64+16*b) }
		default:
			t.scale = func(f *file, b int) { f.p("VPMOVSXBD %d(BX), Y11", 64+16*b) }
		}
	}
	return types
}

func avxvnniQ8KBody(f *file, t *q8kHalf, ny int) {
	pre := halfPrefetcher{f: f, end: t.bytes}
	f.p("CLEAR%d", ny)
	if stream, ok := halfStreams[t.name]; ok && ny == 1 {
		avxvnniStream(f, t, &stream, &pre)
	} else {
		for b := range 256 / t.block {
			avxvnniBlock(f, t, ny, b, &pre)
		}
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

// avxvnniBlock adds one block of 16 or 32 columns to the sums of the unit.
func avxvnniBlock(f *file, t *q8kHalf, ny, b int, pre *halfPrefetcher) {
	order := []int{0, 1, 2, 3}
	if t.block == 32 {
		order = inLine
	}
	switch {
	case !t.signed:
		f.p("ZERO%d", ny)
	case t.block == 16:
		f.p("INIT%d(%d, 0)", ny, 256+4*b)
	default:
		f.p("INIT%d(%d, 0)", ny, 256+8*b)
		f.p("PLUS%d(%d)", ny, 256+8*b+4)
	}
	if t.name == "IQ4_XS" {
		order = pairs
	}
	for _, q := range order {
		pre.line()
		t.load(f, b, q)
		f.p("DOT%d(%d)", ny, t.block*b+4*q)
	}
	t.scale(f, b)
	f.p("WEIGH%d", ny)
}

// avxvnniStream is halfStreamBody with VPDPBUSD.
func avxvnniStream(f *file, t *q8kHalf, s *halfStream, pre *halfPrefetcher) {
	for range 5 {
		pre.line() // the scales
	}
	if t.name == "Q5_K" {
		// The fifth bits serve all chunks: touch them now, in order.
		for v := range 8 {
			yload(f, pre, 320+64*v, "Y10")
		}
	}
	for chunk := range 4 {
		for p := range s.parts {
			f.p("VPXOR Y%d, Y%d, Y%d", p, p, p)
		}
		for step := range s.steps {
			s.fetch(f, pre, chunk, step)
			for p := range s.parts {
				s.expand(f, chunk, p, step)
				f.p("VPBROADCASTD %d(R8), Y7", t.block*s.block(chunk, p)+4*step)
				f.p("PDPBUSD%d", p)
			}
		}
		for p := range s.parts {
			t.scale(f, s.block(chunk, p))
			f.p("VPMULLD Y11, Y%d, Y%d", p, p)
			f.p("VPADDD Y%d, Y4, Y4", p)
		}
	}
}
