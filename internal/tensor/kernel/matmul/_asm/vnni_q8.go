package main

import "fmt"

// A q8Type is a type whose units have 32 columns.
type q8Type struct {
	name  string
	bytes int
	// set loads constants into Z28 to Z31 before the loop.
	set []string
	// scale puts the 16 scales into Z26; min into Z27 if not nil.
	scale, min []string
	// quad puts the codes of quad q into w.
	quad func(f *file, q int, w string)
	// order is the order of the quads: halves of a nibble vector side by side.
	order  []int
	half   bool // a scale per 16 columns; the second is scale2
	scale2 []string
	// permute is quad for processors with VBMI.
	permute func(f *file, q int, w string)
}

var (
	pairs  = []int{0, 4, 1, 5, 2, 6, 3, 7}
	inLine = []int{0, 1, 2, 3, 4, 5, 6, 7}
)

// nibble puts the nibble of quad q, from the 4 vec at off, into the bits of
// mask, register Z31, whose lowest bit is up.
func nibble(f *file, off, q, up int, w string) {
	left := up
	if q >= 4 {
		left = up - 4
	}
	if left == 0 {
		f.p("VPANDD %d(SI), Z31, %s", off+64*(q%4), w)
		return
	}
	shift(f, left, off+64*(q%4), w)
	f.p("VPANDD %s, Z31, %s", w, w)
}

// fifth merges the bits of quad q from the vec at off into bit up of w; Z30
// holds the mask.
func fifth(f *file, off, q, up int, w string) {
	shift(f, up-q, off, "Z27")
	f.p("VPTERNLOGD $0xf8, Z30, Z27, %s // w |= Z27 & Z30", w)
}

func lookup(f *file, off, q int, w string) {
	nibble(f, off, q, 0, w)
	f.p("VPSHUFB %s, Z29, %s", w, w)
}

func bcast(name, reg string) string { return fmt.Sprintf("VPBROADCASTD %s<>(SB), %s", name, reg) }

// permute does the same with VPERMB, which takes six bits of an index: the table in
// Z29 is there four times, so no bits must be masked. The low nibbles come first and
// leave the vector in Z27.
func permute(f *file, off, q int, w string) {
	from := "Z27"
	if q < 4 {
		f.p("VMOVDQU32 %d(SI), Z27", off+64*q)
	} else {
		f.p("VPSRLD $4, Z27, %s", w)
		from = w
	}
	f.p("VPERMB Z29, %s, %s", from, w)
}

var q8Types = []q8Type{
	{
		// Codes 0..15 stand for -8..7. Shifted to the upper nibble they are
		// 16*(code-8) + 128, and the 128 is corrected like that of Q8_0.
		name: "Q4_0", bytes: 288, order: pairs,
		set:   []string{bcast("maskF0", "Z31"), bcast("sixteenth", "Z29")},
		scale: []string{"VCVTPH2PS (SI), Z26", "VMULPS Z29, Z26, Z26"},
		quad:  func(f *file, q int, w string) { nibble(f, 32, q, 4, w) },
	},
	{
		name: "Q4_1", bytes: 320, order: pairs,
		set:   []string{bcast("mask0F", "Z31")},
		scale: []string{"VCVTPH2PS (SI), Z26"},
		min:   []string{"VCVTPH2PS 32(SI), Z27"},
		quad:  func(f *file, q int, w string) { nibble(f, 64, q, 0, w) },
	},
	{
		name: "Q5_0", bytes: 352, order: pairs,
		set:   []string{bcast("mask78", "Z31"), bcast("mask80", "Z30"), bcast("eighth", "Z29")},
		scale: []string{"VCVTPH2PS (SI), Z26", "VMULPS Z29, Z26, Z26"},
		quad: func(f *file, q int, w string) {
			nibble(f, 96, q, 3, w)
			fifth(f, 32, q, 7, w)
		},
	},
	{
		name: "Q5_1", bytes: 384, order: pairs,
		set:   []string{bcast("mask0F", "Z31"), bcast("mask10", "Z30")},
		scale: []string{"VCVTPH2PS (SI), Z26"},
		min:   []string{"VCVTPH2PS 32(SI), Z27"},
		quad: func(f *file, q int, w string) {
			nibble(f, 128, q, 0, w)
			fifth(f, 64, q, 4, w)
		},
	},
	{
		name: "Q8_0", bytes: 544, order: inLine,
		scale: []string{"VCVTPH2PS (SI), Z26"},
		quad:  func(f *file, q int, w string) { f.p("VMOVDQU32 %d(SI), %s", 32+64*q, w) },
	},
	{
		name: "IQ4_NL", bytes: 288, order: pairs,
		set:     []string{bcast("mask0F", "Z31"), "VBROADCASTI32X4 iq4nl<>(SB), Z29"},
		scale:   []string{"VCVTPH2PS (SI), Z26"},
		quad:    func(f *file, q int, w string) { lookup(f, 32, q, w) },
		permute: func(f *file, q int, w string) { permute(f, 32, q, w) },
	},
	{
		// 2^(e-128) is half of the float whose exponent field is e; the lower
		// limit on its bits makes e = 0 a subnormal, as it should be.
		name: "MXFP4", bytes: 272, order: pairs,
		set: []string{
			bcast("mask0F", "Z31"), bcast("subnormal", "Z30"), "VBROADCASTI32X4 fp4<>(SB), Z29",
		},
		scale:   []string{"VPMOVZXBD (SI), Z26", "VPSLLD $23, Z26, Z26", "VPMAXUD Z30, Z26, Z26", "VMULPS.BCST half<>(SB), Z26, Z26"},
		quad:    func(f *file, q int, w string) { lookup(f, 16, q, w) },
		permute: func(f *file, q int, w string) { permute(f, 16, q, w) },
	},
	{
		// Exponent and mantissa of a scale, moved to their places in a float16, read
		// 2^8 times too small, subnormal ones too; and codes are doubled.
		name: "NVFP4", bytes: 288, order: inLine, half: true,
		set:    []string{bcast("mask0F", "Z31"), bcast("ue4m3", "Z30"), "VBROADCASTI32X4 fp4<>(SB), Z29"},
		scale:  []string{"VPMOVZXBW (SI), Y26", "VPSLLW $7, Y26, Y26", "VCVTPH2PS Y26, Z26", "VMULPS Z30, Z26, Z26"},
		scale2: []string{"VPMOVZXBW 16(SI), Y26", "VPSLLW $7, Y26, Y26", "VCVTPH2PS Y26, Z26", "VMULPS Z30, Z26, Z26"},
		quad: func(f *file, q int, w string) {
			// Vector 2h+j holds quads 4h+j (low) and 4h+j+2 (high).
			lookup(f, 32, q/4*2+q%2+q%4/2*4, w)
		},
	},
}

func vnniQ8(f *file) []entry {
	for _, c := range []struct {
		name  string
		value uint32
	}{
		{"mask0F", 0x0f0f0f0f},
		{"maskF0", 0xf0f0f0f0},
		{"mask78", 0x78787878},
		{"mask80", 0x80808080},
		{"mask10", 0x10101010},
		{"subnormal", 1 << 22},
		{"sixteenth", 0x3d800000},
		{"eighth", 0x3e000000},
		{"half", 0x3f000000},
		{"ue4m3", 0x43000000},
	} {
		constant(f, c.name, c.value)
	}
	table(f, "iq4nl", iq4nl)
	table(f, "fp4", fp4)
	f.raw("")
	var list []entry
	for _, ny := range vnniTiles {
		vnniMacros(f, ny)
		q8Macros(f, ny)
		for _, t := range q8Types {
			name := fmt.Sprintf("vnni%sx%d", t.name, ny)
			vnniQ8Kernel(f, name, &t, ny)
			list = append(list, entry{"vnni", t.name, ny, name})
			if t.permute != nil {
				name := fmt.Sprintf("vbmi%sx%d", t.name, ny)
				t.quad = t.permute
				vnniQ8Kernel(f, name, &t, ny)
				list = append(list, entry{"vbmi", t.name, ny, name})
			}
		}
	}
	return byType(list)
}

// q8Macros defines the end of a unit: products of scales, and sums in order.
func q8Macros(f *file, ny int) {
	f.macro(fmt.Sprintf("SCALE%d(s)", ny), ny, func(c int) string {
		return fmt.Sprintf("VMULPS.BCST 32(%s), s, Z25; VCVTDQ2PS Z%d, Z%d; VMULPS Z25, Z%d, Z%d; VADDPS Z%d, Z%d, Z%d",
			vnniCols[c], c, c, c, c, c, c+12, c+12)
	})
	f.macro(fmt.Sprintf("MIN%d", ny), ny, func(c int) string {
		return fmt.Sprintf("VMULPS.BCST 36(%s), Z27, Z25; VADDPS Z25, Z%d, Z%d", vnniCols[c], c+12, c+12)
	})
}

func vnniQ8Kernel(f *file, name string, t *q8Type, ny int) {
	vnniStart(f, name, ny)
	for c := range ny {
		f.p("VPXORD Z%d, Z%d, Z%d", c+12, c+12, c+12)
	}
	f.p("CMPQ more+40(FP), $0")
	f.p("JEQ start")
	for c := range ny {
		f.p("VMOVUPS %d(DI), Z%d", 64*c, c+12)
	}
	f.raw("start:")
	for _, s := range t.set {
		f.p("%s", s)
	}
	f.raw("loop:")
	q8Unit(f, t, ny)
	f.p("ADDQ $%d, SI", t.bytes)
	f.p("NEXT%d(48)", ny)
	f.p("DECQ n+8(FP)")
	f.p("JNE loop")
	for c := range ny {
		f.p("VMOVUPS Z%d, %d(DI)", c+12, 64*c)
	}
	f.p("VZEROUPPER")
	f.p("RET\n")
}

func q8Unit(f *file, t *q8Type, ny int) {
	pre := prefetcher{f: f, on: ny <= decodeTile, end: t.bytes}
	switch {
	case t.half:
		f.p("INIT%d(44)", ny)
	case t.min != nil:
		f.p("ZERO%d", ny)
	default:
		f.p("INIT%d(40)", ny)
	}
	for i, q := range t.order {
		if t.half && i == 4 {
			for _, s := range t.scale {
				f.p("%s", s)
			}
			f.p("SCALE%d(Z26)", ny)
			f.p("INIT%d(40)", ny)
			f.p("MINUS%d(44)", ny)
		}
		pre.line()
		w := [2]string{"Z24", "Z28"}[i%2]
		t.quad(f, q, w)
		f.p("DOT%d(%d, %s)", ny, 4*q, w)
	}
	pre.rest()
	scale := t.scale
	if t.half {
		scale = t.scale2
	}
	for _, s := range scale {
		f.p("%s", s)
	}
	f.p("SCALE%d(Z26)", ny)
	if t.min != nil {
		for _, s := range t.min {
			f.p("%s", s)
		}
		f.p("MIN%d", ny)
	}
}

// byType orders the list by type, keeping the order of tiles.
func byType(list []entry) []entry {
	var out []entry
	seen := map[string]bool{}
	for _, e := range list {
		if seen[e.typ] {
			continue
		}
		seen[e.typ] = true
		for _, o := range list {
			if o.typ == e.typ {
				out = append(out, o)
			}
		}
	}
	return out
}
