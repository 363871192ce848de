package main

import "fmt"

// TDPBF16PS adds to 16x16 float32 sums the products of 16 rows of 32 bf16
// activations with 16 columns of 32 bf16 weights, two of a column side by side.
// That is the order of the packed weights: sixteen units, which are vectors of 64
// bytes, are a tile, and nothing has to be unpacked.
//
// For each sum the instruction adds the 16 products of even columns one after the
// other, those of odd columns likewise, then both to each other, and that to the
// sum. What becomes of an activation row is the same in any tile, but it is not
// what avx512bf16 computes: so these kernels take rows of any number.

// amxBrain writes kernels for blocks of up to 32 rows (16 if the name begins with
// 1) and two groups of weights (or one).
func amxBrain(f *file) []entry {
	f.raw("#include \"encodings_amd64.h\"\n")
	for rows := 1; rows <= 2; rows++ {
		for groups := 1; groups <= 2; groups++ {
			amxBrainKernel(f, rows, groups)
		}
	}
	return nil
}

// amxBrainKernel keeps in
//
//	AX  the tiles' configuration, then where a tile of sums lies
//	BX  bytes between rows of activations
//	CX  64: bytes between rows of weights and of sums
//	SI, DI    activations: rows 0 and 16 of the next tile
//	DX, R9    weights: the next tiles of both groups
//	R8  row 0 of the block of activations
//	R10, R11  sums of both groups    R12 tiles left
//	R13 how far ahead few rows fetch their weights
func amxBrainKernel(f *file, rows, groups int) {
	name := fmt.Sprintf("amxBrain%dx%d", rows, groups)
	f.raw("// func %s(w0, w1 *byte, n int, x *byte, stride int, out0, out1 *float32, blocks int, tiles *byte, more int)", name)
	f.raw("TEXT ·%s(SB), NOSPLIT, $0-80", name)
	f.p("MOVQ tiles+64(FP), AX")
	f.p("LDTILECFG_AX")
	f.p("MOVQ x+24(FP), R8")
	f.p("MOVQ stride+32(FP), BX")
	f.p("MOVQ out0+40(FP), R10")
	f.p("MOVQ out1+48(FP), R11")
	f.p("MOVQ $64, CX")
	if rows == 1 {
		f.p("MOVQ ·prefetchNear(SB), R13")
	}
	f.raw("block:")
	f.p("MOVQ w0+0(FP), DX")
	f.p("MOVQ w1+8(FP), R9")
	f.p("MOVQ n+16(FP), R12")
	f.p("MOVQ R8, SI")
	f.p("MOVQ BX, DI")
	f.p("SHLQ $4, DI")
	f.p("ADDQ R8, DI")
	f.p("CMPQ more+72(FP), $0")
	f.p("JNE more")
	amxBrainSums(f, "TILEZERO", rows, groups)
	f.p("JMP loop")
	f.raw("more:")
	amxBrainSums(f, "TILELOAD", rows, groups)
	f.raw("loop:")
	amxBrainStep(f, rows, groups)
	f.p("DECQ R12")
	f.p("JNE loop")
	amxBrainSums(f, "TILESTORE", rows, groups)
	f.p("MOVQ BX, DI")
	f.p("SHLQ $%d, DI", 3+rows)
	f.p("ADDQ DI, R8")
	f.p("ADDQ $%d, R10", 1024*rows)
	f.p("ADDQ $%d, R11", 1024*rows)
	f.p("DECQ blocks+56(FP)")
	f.p("JNE block")
	f.p("TILERELEASE")
	f.p("RET\n")
}

// amxBrainSums zeroes, loads or stores the sums.
func amxBrainSums(f *file, what string, rows, groups int) {
	for g := range groups {
		if what != "TILEZERO" {
			f.p("MOVQ R%d, AX", 10+g)
		}
		for r := range rows {
			if r == 1 && what != "TILEZERO" {
				f.p("ADDQ $1024, AX")
			}
			f.p("%s%d", what, 2*r+g)
		}
	}
}

// amxBrainStep multiplies the next 32 columns.
func amxBrainStep(f *file, rows, groups int) {
	if rows == 1 {
		for l := range 16 {
			for _, w := range []string{"DX", "R9"}[:groups] {
				f.p("PREFETCHT0 %d(%s)(R13*1)", 64*l, w)
			}
		}
	}
	f.p("TILELOAD_A0")
	for g := range groups {
		f.p("TILELOAD_B%d", g)
		f.p("TDPBF16PS_%d_4_%d", g, 6+g)
	}
	if rows == 2 {
		f.p("TILELOAD_A1")
		for g := range groups {
			f.p("TDPBF16PS_%d_5_%d", 2+g, 6+g)
		}
		f.p("ADDQ $64, DI")
	}
	f.p("ADDQ $64, SI")
	f.p("ADDQ $1024, DX")
	if groups == 2 {
		f.p("ADDQ $1024, R9")
	}
}
