package main

import "fmt"

// A q8Half describes half a unit of 32 columns.
type q8Half struct {
	name   string
	bytes  int
	set    []string
	acc    int  // quads per 16-bit sum
	signed bool // codes are signed
	order  []int
	load   func(f *file, q int) // puts the codes of quad q into Y9
	center int                  // the sum of the activations counts -128 >> center
	scale  []string             // puts eight scales into Y11
	min    []string             // puts eight minimums into Y12
	halves bool                 // a scale per 16 columns; those of the second half are scale2
	scale2 []string
}

var q8Halves = []q8Half{
	{
		name: "Q4_0", bytes: 288, acc: 8, order: pairs, center: 4,
		set:   []string{ybcast("mask0F", "Y15"), ybcast("ones", "Y14")},
		load:  func(f *file, q int) { ynibble(f, 32, q, "Y15") },
		scale: []string{"VCVTPH2PS (DI), Y11"},
	},
	{
		name: "Q4_1", bytes: 320, acc: 8, order: pairs,
		set:   []string{ybcast("mask0F", "Y15"), ybcast("ones", "Y14")},
		load:  func(f *file, q int) { ynibble(f, 64, q, "Y15") },
		scale: []string{"VCVTPH2PS (DI), Y11"}, min: []string{"VCVTPH2PS 32(DI), Y12"},
	},
	{
		name: "Q5_0", bytes: 352, acc: 4, order: pairs, center: 3,
		set: []string{ybcast("mask0F", "Y15"), ybcast("ones", "Y14"), ybcast("mask10", "Y13")},
		load: func(f *file, q int) {
			ynibble(f, 96, q, "Y15")
			yor(f, 4-q, 32, "Y13")
		},
		scale: []string{"VCVTPH2PS (DI), Y11"},
	},
	{
		name: "Q5_1", bytes: 384, acc: 4, order: pairs,
		set: []string{ybcast("mask0F", "Y15"), ybcast("ones", "Y14"), ybcast("mask10", "Y13")},
		load: func(f *file, q int) {
			ynibble(f, 128, q, "Y15")
			yor(f, 4-q, 64, "Y13")
		},
		scale: []string{"VCVTPH2PS (DI), Y11"}, min: []string{"VCVTPH2PS 32(DI), Y12"},
	},
	{
		name: "Q8_0", bytes: 544, acc: 1, signed: true, order: inLine,
		set:   []string{ybcast("mask80", "Y15"), ybcast("ones", "Y14")},
		load:  func(f *file, q int) { f.p("VPXOR %d(SI), Y15, Y9", 32+64*q) },
		scale: []string{"VCVTPH2PS (DI), Y11"},
	},
	{
		name: "IQ4_NL", bytes: 288, acc: 1, signed: true, order: pairs,
		set:   []string{ybcast("mask0F", "Y15"), ybcast("ones", "Y14"), "VBROADCASTI128 iq4nl<>(SB), Y13"},
		load:  func(f *file, q int) { ylookup(f, 32, q) },
		scale: []string{"VCVTPH2PS (DI), Y11"},
	},
	{
		name: "MXFP4", bytes: 272, acc: 8, signed: true, order: pairs,
		set:  []string{ybcast("mask0F", "Y15"), ybcast("ones", "Y14"), "VBROADCASTI128 fp4<>(SB), Y13"},
		load: func(f *file, q int) { ylookup(f, 16, q) },
		scale: []string{
			"VPMOVZXBD (BX), Y11", "VPSLLD $23, Y11, Y11",
			ybcast("subnormal", "Y12"), "VPMAXUD Y12, Y11, Y11",
			ybcast("half", "Y12"), "VMULPS Y12, Y11, Y11",
		},
	},
	{
		name: "NVFP4", bytes: 288, acc: 4, signed: true, order: inLine, halves: true,
		set:    []string{ybcast("mask0F", "Y15"), ybcast("ones", "Y14"), "VBROADCASTI128 fp4<>(SB), Y13"},
		load:   func(f *file, q int) { ylookup(f, 32, q/4*2+q%2+q%4/2*4) },
		scale:  []string{"VPMOVZXBW (BX), X11", "VPSLLW $7, X11, X11", "VCVTPH2PS X11, Y11", ybcast("ue4m3", "Y12"), "VMULPS Y12, Y11, Y11"},
		scale2: []string{"VPMOVZXBW 16(BX), X11", "VPSLLW $7, X11, X11", "VCVTPH2PS X11, Y11", ybcast("ue4m3", "Y12"), "VMULPS Y12, Y11, Y11"},
	},
}

// ylookup puts table entries into Y9.
func ylookup(f *file, off, q int) {
	ynibble(f, off, q, "Y15")
	f.p("VPSHUFB Y9, Y13, Y9")
}

// signedTable writes 16 bytes.
func signedTable(f *file, name string, v [16]int) {
	for i := range v {
		v[i] = int(uint8(int8(v[i]))) - 128 // table adds 128
	}
	table(f, name, v)
}

func avx2Q8(f *file) []entry {
	for _, c := range []struct {
		name  string
		value uint32
	}{
		{"mask0F", 0x0f0f0f0f},
		{"mask10", 0x10101010},
		{"mask80", 0x80808080},
		{"ones", 0x00010001},
		{"subnormal", 1 << 22},
		{"half", 0x3f000000},
		{"ue4m3", 0x43000000},
	} {
		constant(f, c.name, c.value)
	}
	signedTable(f, "iq4nl", iq4nl)
	signedTable(f, "fp4", fp4)
	f.raw("")
	var list []entry
	for _, ny := range avx2Tiles {
		avx2Macros(f, ny)
		avx2Q8Macros(f, ny)
		for _, t := range q8Halves {
			name := fmt.Sprintf("avx2%sx%d", t.name, ny)
			avx2Unit(f, name, ny, t.bytes, 48, t.set, func() { q8HalfBody(f, &t, ny) })
			list = append(list, entry{"avx2", t.name, ny, name})
		}
	}
	return byType(list)
}

func avx2Q8Macros(f *file, ny int) {
	r := func(c int) string { return avx2Cols[c] }
	f.macro(fmt.Sprintf("CENTER%d(n)", ny), ny, func(c int) string {
		return fmt.Sprintf("VPBROADCASTD 40(%s), Y8; VPSRAD $n, Y8, Y8; VPADDD Y8, Y%d, Y%d", r(c), c+4, c+4)
	})
	f.macro(fmt.Sprintf("SCALE%d", ny), ny, func(c int) string {
		return fmt.Sprintf("VBROADCASTSS 32(%s), Y8; VMULPS Y11, Y8, Y8; VCVTDQ2PS Y%d, Y%d; VMULPS Y8, Y%d, Y%d; VADDPS %d(DX), Y%d, Y%d",
			r(c), c+4, c+4, c+4, c+4, 64*c, c+4, c+4)
	})
	f.macro(fmt.Sprintf("MIN%d", ny), ny, func(c int) string {
		return fmt.Sprintf("VBROADCASTSS 36(%s), Y8; VMULPS Y12, Y8, Y8; VADDPS Y8, Y%d, Y%d", r(c), c+4, c+4)
	})
	f.macro(fmt.Sprintf("SAVE%d", ny), ny, func(c int) string {
		return fmt.Sprintf("VMOVUPS Y%d, %d(DX)", c+4, 64*c)
	})
}

func q8HalfBody(f *file, t *q8Half, ny int) {
	pre := halfPrefetcher{f: f, end: t.bytes}
	runs := [][]int{t.order}
	if t.halves {
		runs = [][]int{t.order[:4], t.order[4:]}
	}
	for i, run := range runs {
		f.p("CLEAR%d", ny)
		quads(f, &pre, ny, 0, t.acc, t.signed, run, func(q int) { t.load(f, q) }, "Y14")
		if t.center > 0 {
			f.p("CENTER%d(%d)", ny, t.center)
		}
		scale := t.scale
		if i == 1 {
			scale = t.scale2
		}
		for _, s := range scale {
			f.p("%s", s)
		}
		f.p("SCALE%d", ny)
		if t.min != nil {
			for _, s := range t.min {
				f.p("%s", s)
			}
			f.p("MIN%d", ny)
		}
		f.p("SAVE%d", ny)
	}
}
