package main

import "fmt"

// gridTiles are the numbers of rows that multiply with grid types directly.
var gridTiles = []int{1, 2, 4}

func vnniGrid(f *file) []entry {
	for _, c := range []struct {
		name  string
		value uint32
	}{
		{"mask03", 0x03030303},
		{"maskAA", 0xaaaaaaaa},
		{"mask87", 0x87878787},
		{"mask18", 0x18181818},
		{"mask20", 0x20202020},
		{"mask38", 0x38383838},
		{"mask30", 0x30303030},
		{"mask0C", 0x0c0c0c0c},
		{"mask80", 0x80808080},
		{"shift0", 0x08},
		{"shift1", 0x80},
		{"down16", 0xfff0fff0},
		{"down56", ^uint32(55)},
		{"down72", ^uint32(71)},
		{"scale0e", 0x0e},
		{"scale1e", 0x1e},
		{"lowest", 1},
	} {
		constant(f, c.name, c.value)
	}
	for _, g := range gridTypes {
		constant(f, "factor"+g.name, g.factor)
		constant(f, "eighth"+g.name, g.factor-3<<23)
	}
	f.raw("DATA point<>+0(SB)/8, $%d", 8*128)
	f.raw("GLOBL point<>(SB), RODATA|NOPTR, $8\n")
	var list []entry
	for _, ny := range gridTiles {
		vnniMacros(f, ny)
		q8kMacros(f, ny, 4)
		f.macro(fmt.Sprintf("ADDSCALED%d", ny), ny, func(c int) string {
			return fmt.Sprintf("VPMULLD Z26, Z%d, Z%d; VPADDD Z%d, Z%d, Z%d", c, c, c, c+4, c+4)
		})
		for _, g := range gridTypes {
			name := fmt.Sprintf("vnni%sx%d", g.name, ny)
			if g.size == 8 {
				vnniFieldKernel(f, name, &g, ny)
			} else {
				vnniGridKernel(f, name, &g, ny)
			}
			list = append(list, entry{"vbmi", g.name, ny, name})
		}
	}
	for _, g := range gridTypes {
		if g.size == 8 {
			arranger(f, &g)
			list = append(list, entry{tier: "arrange", typ: g.name, name: "vbmiArrange" + g.name})
		}
		vnniExpander(f, &g)
		list = append(list, entry{tier: "vbmi", typ: g.name, name: "vbmiExpand" + g.name})
	}
	return byType(list)
}

// vnniGridKernel sums a block in Z0 to Z3 and a unit in Z4 to Z7.
func vnniGridKernel(f *file, name string, g *gridType, ny int) {
	vnniStart(f, name, ny)
	pre := prefetcher{f: f, on: true, end: g.bytes()}
	w := gridWriter{f: f, g: g, pre: &pre, next: ny <= 2}
	w.each = w.block
	w.quad = func(b, q int) {
		if at := 32*b + 4*q; at%32 == 0 {
			f.p("INIT%d(%d)", ny, 256+at/4)
			f.p("PLUS%d(%d)", ny, 256+at/4+4)
		}
		f.p("DOT%d(%d, Z28)", ny, 32*b+4*q)
	}
	w.ends = func(int, int) { f.p("ADDSCALED%d", ny) }
	w.constants()
	gridLoop(f, g, ny, &pre, "factor", 384, w.unit)
}

// vnniFieldKernel does the same for points of eight coordinates.
func vnniFieldKernel(f *file, name string, g *gridType, ny int) {
	pre := prefetcher{f: f, on: true, end: g.bytes()}
	w := newFieldWriter(f, g, &pre, ny)
	vnniStart(f, name, ny)
	w.constants()
	factor := "factor"
	if !g.signs {
		factor = "eighth" // the sums are eight times as large
	}
	gridLoop(f, g, ny, &pre, factor, g.arranged(), w.unit)
}

// gridLoop writes the loop over the units of a kernel: acts is the number of bytes of
// a unit of activations.
func gridLoop(f *file, g *gridType, ny int, pre *prefetcher, factor string, acts int, unit func()) {
	f.p("CMPQ more+40(FP), $0")
	f.p("JNE loop")
	f.p("CLEAR%dx4", ny)
	f.p("SAVE%dx4", ny)
	f.raw("loop:")
	f.p("CLEAR%dx4", ny)
	for pre.next < g.blocks() {
		pre.line() // the scales and masks
	}
	unit()
	pre.rest()
	f.p("VCVTPH2PS (SI), Z26")
	f.p("VMULPS.BCST %s%s<>(SB), Z26, Z26", factor, g.name)
	f.p("FINISH%dx4", ny)
	f.p("SAVE%dx4", ny)
	f.p("ADDQ $%d, SI", g.bytes())
	f.p("NEXT%d(%d)", ny, acts)
	f.p("DECQ n+8(FP)")
	f.p("JNE loop")
	f.p("VZEROUPPER")
	f.p("RET\n")
}

// vnniExpander writes units in their wide layout to DI.
func vnniExpander(f *file, g *gridType) {
	f.raw("// func vbmiExpand%s(dst, src *byte, n int)", g.name)
	f.raw("TEXT ·vbmiExpand%s(SB), NOSPLIT, $0-24", g.name)
	f.p("MOVQ dst+0(FP), DI")
	f.p("MOVQ src+8(FP), SI")
	f.p("MOVQ n+16(FP), CX")
	f.ahead("", 8, false, "BX")
	block, codes, bytes := g.wide()
	pre := prefetcher{f: f, on: true, end: g.bytes()}
	w := gridWriter{f: f, g: g, pre: &pre, next: true}
	w.each = w.block
	w.quad = func(b, q int) { f.p("VMOVDQU64 Z28, %d(DI)", codes+64*(8*b+q)) }
	w.ends = func(b, h int) { f.p("VPMOVDB Z26, %d(DI)", 64+16*(b*32/block+h)) }
	w.constants()
	f.raw("loop:")
	f.p("VCVTPH2PS (SI), Z26")
	f.p("VMULPS.BCST factor%s<>(SB), Z26, Z26", g.name)
	f.p("VMOVUPS Z26, (DI)")
	w.unit()
	pre.rest()
	f.p("ADDQ $%d, SI", g.bytes())
	f.p("ADDQ $%d, DI", bytes)
	f.p("DECQ CX")
	f.p("JNE loop")
	f.p("VZEROUPPER")
	f.p("RET\n")
}
