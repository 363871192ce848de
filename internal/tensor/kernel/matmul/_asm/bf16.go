package main

import "fmt"

// bf16Brain writes the kernels for BF16 weights and BF16 activations: a vector of
// weights holds two columns of 16 rows, a pair of activations is broadcast, and one
// instruction multiplies and adds both columns. Pairs of columns go to Z0.. and
// Z12.. in turns.
func bf16Brain(f *file) []entry {
	f.raw("#include \"encodings_amd64.h\"\n")
	var list []entry
	for _, ny := range vnniTiles {
		for _, half := range []string{"A", "B"} {
			f.macro(fmt.Sprintf("DPBF%s%dx(quarter)", half, ny), ny, func(c int) string {
				return fmt.Sprintf("DPBF%s%d(quarter)", half, c)
			})
		}
		f.macro(fmt.Sprintf("NEXT%d(n)", ny), ny, func(c int) string {
			return fmt.Sprintf("ADDQ $n, %s", vnniCols[c])
		})
		name := fmt.Sprintf("bf16BF16x%d", ny)
		bf16Kernel(f, name, ny)
		list = append(list, entry{"bf16", "BF16", ny, name})
	}
	f.raw("// func convertBF16(dst *byte, x *float32, n int)")
	f.raw("// Rounds 16n numbers to bf16.")
	f.raw("TEXT ·convertBF16(SB), NOSPLIT, $0-24")
	f.p("MOVQ dst+0(FP), DI")
	f.p("MOVQ x+8(FP), SI")
	f.p("MOVQ n+16(FP), CX")
	f.raw("loop:")
	f.p("VMOVUPS (SI), Z0")
	f.p("CVTBF16")
	f.p("VMOVDQU Y0, (DI)")
	f.p("ADDQ $64, SI")
	f.p("ADDQ $32, DI")
	f.p("DECQ CX")
	f.p("JNE loop")
	f.p("VZEROUPPER")
	f.p("RET")
	return list
}

func bf16Kernel(f *file, name string, ny int) {
	vnniStart(f, name, ny)
	for c := range ny {
		f.p("VPXORD Z%d, Z%d, Z%d", c, c, c)
		f.p("VPXORD Z%d, Z%d, Z%d", c+12, c+12, c+12)
	}
	f.p("CMPQ more+40(FP), $0")
	f.p("JEQ start")
	for c := range ny {
		f.p("VMOVUPS %d(DI), Z%d", 64*c, c)
	}
	f.raw("start:")
	f.p("SUBQ $2, n+8(FP)")
	f.p("JLT last")
	f.raw("loop:")
	pre := prefetcher{f: f, on: ny <= decodeTile, end: 128}
	pre.rest()
	f.p("VMOVDQU32 (SI), Z24")
	f.p("DPBFA%dx(0)", ny)
	f.p("VMOVDQU32 64(SI), Z24")
	f.p("DPBFB%dx(1)", ny)
	f.p("ADDQ $128, SI")
	f.p("NEXT%d(8)", ny)
	f.p("SUBQ $2, n+8(FP)")
	f.p("JGE loop")
	f.raw("last:")
	f.p("CMPQ n+8(FP), $-1")
	f.p("JNE done")
	f.p("VMOVDQU32 (SI), Z24")
	f.p("DPBFA%dx(0)", ny)
	f.raw("done:")
	for c := range ny {
		f.p("VADDPS Z%d, Z%d, Z%d", c+12, c, c)
		f.p("VMOVUPS Z%d, %d(DI)", c, 64*c)
	}
	f.p("VZEROUPPER")
	f.p("RET\n")
}
