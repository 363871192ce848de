package main

import (
	"fmt"
	"strings"
)

// vnniTiles are the numbers of activation rows that have a kernel of their own.
// Twelve is what 32 registers hold: a sum of the block and a sum of the unit for
// each row, and eight registers for weights, scales and constants.
var vnniTiles = []int{1, 2, 4, 8, 12}

// vnniCols are the registers that point to the activation rows.
var vnniCols = []string{"R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15", "AX", "BX", "CX", "DX"}

// vnniMacros defines, for a tile of ny rows, the steps on all rows: Z0.. hold the
// sums of a block (T), Z12.. those of a unit or of the whole row (S).
func vnniMacros(f *file, ny int) {
	reg := func(c int) string { return vnniCols[c] }
	f.macro(fmt.Sprintf("ZERO%d", ny), ny, func(c int) string {
		return fmt.Sprintf("VPXORD Z%d, Z%d, Z%d", c, c, c)
	})
	f.macro(fmt.Sprintf("INIT%d(off)", ny), ny, func(c int) string {
		return fmt.Sprintf("VPBROADCASTD off(%s), Z%d", reg(c), c)
	})
	f.macro(fmt.Sprintf("PLUS%d(off)", ny), ny, func(c int) string {
		return fmt.Sprintf("VPADDD.BCST off(%s), Z%d, Z%d", reg(c), c, c)
	})
	f.macro(fmt.Sprintf("MINUS%d(off)", ny), ny, func(c int) string {
		return fmt.Sprintf("VPSUBD.BCST off(%s), Z%d, Z%d", reg(c), c, c)
	})
	f.macro(fmt.Sprintf("DOT%d(off, w)", ny), ny, func(c int) string {
		return fmt.Sprintf("VPDPBUSD.BCST off(%s), w, Z%d", reg(c), c)
	})
	f.macro(fmt.Sprintf("DOTW%d(off, w)", ny), ny, func(c int) string {
		return fmt.Sprintf("VPDPWSSD.BCST off(%s), w, Z%d", reg(c), c)
	})
	f.macro(fmt.Sprintf("NEXT%d(n)", ny), ny, func(c int) string {
		return fmt.Sprintf("ADDQ $n, %s", reg(c))
	})
}

// vnniStart writes the head of a kernel: SI points to weights, DI to the sums,
// and a register per row to its activations. The number of units is counted
// down in the argument itself, as no register is left.
func vnniStart(f *file, name string, ny int) {
	f.raw("// func %s(w *byte, n int, x *byte, offs *int, out *float32, more int)", name)
	f.raw("TEXT ·%s(SB), NOSPLIT, $0-48", name)
	f.p("MOVQ w+0(FP), SI")
	f.p("MOVQ x+16(FP), DX")
	f.p("MOVQ offs+24(FP), DI")
	for c := range ny - 1 {
		f.p("MOVQ %d(DI), %s", 8*c, vnniCols[c])
		f.p("ADDQ DX, %s", vnniCols[c])
	}
	f.p("ADDQ %d(DI), DX", 8*(ny-1))
	if r := vnniCols[ny-1]; r != "DX" {
		f.p("MOVQ DX, %s", r)
	}
	f.p("MOVQ out+32(FP), DI")
	if ny <= decodeTile {
		f.ahead(name, ny, false, "BX")
	}
}

// ahead loads the variable that says how far a kernel prefetches into reg, and
// chooses the instruction. The kernels for one row that do little else than read
// (light) have so many loads under way at any time that memory is busy without help:
// they just announce the next line. The others compute for so long that their weights
// are asked for long before, into the second-level cache; those for more rows, and
// the ones that jump about in their units (wide), longer still.
func (f *file) ahead(name string, ny int, wide bool, reg string) {
	from := "prefetchFar"
	f.hint = "PREFETCHT1"
	switch {
	case light[name]:
		from, f.hint = "prefetchNear", "PREFETCHT0"
	case ny == 1 && !wide:
		from = "prefetchOne"
	}
	f.p("MOVQ ·%s(SB), %s", from, reg)
}

var light = map[string]bool{"vnniQ8_0x1": true, "vnniF32x1": true, "bf16BF16x1": true, "avx2F32x1": true}

// decodeTile is the largest tile whose kernels prefetch weights: those of the
// larger ones are in the cache. BX holds the distance, which differs from
// processor to processor.
const decodeTile = 8

func constant(f *file, name string, value uint32) {
	f.raw("DATA %s<>+0(SB)/4, $0x%08x", name, value)
	f.raw("GLOBL %s<>(SB), RODATA|NOPTR, $4", name)
}

// table writes 16 bytes, each with 128 added.
func table(f *file, name string, v [16]int) {
	var lo, hi strings.Builder
	for i := 7; i >= 0; i-- {
		fmt.Fprintf(&lo, "%02x", v[i]+128)
		fmt.Fprintf(&hi, "%02x", v[i+8]+128)
	}
	f.raw("DATA %s<>+0(SB)/8, $0x%s", name, lo.String())
	f.raw("DATA %s<>+8(SB)/8, $0x%s", name, hi.String())
	f.raw("GLOBL %s<>(SB), RODATA|NOPTR, $16", name)
}

var (
	iq4nl = [16]int{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}
	fp4   = [16]int{0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12}
)

// prefetcher spreads prefetches of a unit over its vectors.
type prefetcher struct {
	f    *file
	on   bool
	next int
	end  int
}

func (p *prefetcher) line() {
	if p.on && p.next < p.end {
		p.f.p("%s %d(SI)(BX*1)", p.f.hint, p.next)
		p.next += 64
	}
}

func (p *prefetcher) rest() {
	for p.on && p.next < p.end {
		p.line()
	}
}

// shift writes a shift of the vector at off(SI) by left bits, which may be negative.
func shift(f *file, left, off int, to string) {
	switch {
	case left > 0:
		f.p("VPSLLD $%d, %d(SI), %s", left, off, to)
	case left < 0:
		f.p("VPSRLD $%d, %d(SI), %s", -left, off, to)
	default:
		f.p("VMOVDQU32 %d(SI), %s", off, to)
	}
}
