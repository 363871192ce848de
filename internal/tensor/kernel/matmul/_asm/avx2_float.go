package main

import "fmt"

var avx2Floats = []floatType{
	{"F32", 128, "", []string{"VMOVUPS (SI), Y9", "VMOVUPS 64(SI), Y10"}},
	{"F16", 64, "", []string{"VCVTPH2PS (DI), Y9", "VCVTPH2PS 32(DI), Y10"}},
	{"BF16", 64, ybcast("upper", "Y15"), []string{"VPSLLD $16, Y9, Y9", "VPAND (SI), Y15, Y10"}},
}

// avx2Float writes the float kernels: Y0.. sum the even columns, Y4.. the odd.
// The eight upper rows follow in a second pass over the units, which are few
// enough to be in the cache still.
func avx2Float(f *file) []entry {
	constant(f, "upper", 0xffff0000)
	f.raw("")
	var list []entry
	for _, ny := range avx2Tiles {
		f.macro(fmt.Sprintf("FMA%d", ny), ny, func(c int) string {
			return fmt.Sprintf("VBROADCASTSS (%s), Y8; VFMADD231PS Y8, Y9, Y%d; VBROADCASTSS 4(%s), Y8; VFMADD231PS Y8, Y10, Y%d",
				avx2Cols[c], c, avx2Cols[c], c+4)
		})
		f.macro(fmt.Sprintf("NEXT%d(n)", ny), ny, func(c int) string {
			return fmt.Sprintf("ADDQ $n, %s", avx2Cols[c])
		})
		for _, t := range avx2Floats {
			name := fmt.Sprintf("avx2%sx%d", t.name, ny)
			if ny <= 2 {
				avx2FloatOnce(f, name, &t, ny)
			} else {
				avx2FloatKernel(f, name, &t, ny)
			}
			list = append(list, entry{"avx2", t.name, ny, name})
		}
	}
	return byType(list)
}

func avx2FloatKernel(f *file, name string, t *floatType, ny int) {
	avx2Start(f, name, ny)
	if t.set != "" {
		f.p("%s", t.set)
	}
	f.p("MOVQ SI, DI")
	f.ahead(name, ny, false, "BX")
	f.p("XORQ R12, R12")
	f.raw("half:")
	for c := range 4 {
		if c < ny {
			f.p("VPXOR Y%d, Y%d, Y%d", c, c, c)
			f.p("VPXOR Y%d, Y%d, Y%d", c+4, c+4, c+4)
		}
	}
	f.p("CMPQ more+40(FP), $0")
	f.p("JEQ loop")
	for c := range ny {
		f.p("VMOVUPS %d(DX), Y%d", 64*c, c)
	}
	f.raw("loop:")
	for o := 0; o < t.bytes; o += 64 {
		f.p("%s %d(SI)(BX*1)", f.hint, o)
	}
	if t.name == "BF16" {
		f.p("VMOVDQU (SI), Y9")
	}
	for _, s := range t.load {
		f.p("%s", s)
	}
	f.p("FMA%d", ny)
	f.p("ADDQ $%d, SI", t.bytes)
	f.p("ADDQ $%d, DI", t.bytes)
	f.p("NEXT%d(8)", ny)
	f.p("DECQ CX")
	f.p("JNE loop")
	for c := range ny {
		f.p("VADDPS Y%d, Y%d, Y%d", c+4, c, c)
		f.p("VMOVUPS Y%d, %d(DX)", c, 64*c)
	}
	f.p("ADDQ $32, R12")
	f.p("CMPQ R12, $64")
	f.p("JEQ done")
	f.p("// Back to the first unit, for the other eight rows.")
	f.p("MOVQ n+8(FP), CX")
	f.p("MOVQ w+0(FP), SI")
	f.p("LEAQ 16(SI), DI")
	f.p("ADDQ $32, SI")
	f.p("ADDQ $32, DX")
	f.p("LEAQ (CX*8), AX")
	for c := range ny {
		f.p("SUBQ AX, %s", avx2Cols[c])
	}
	f.p("JMP half")
	f.raw("done:")
	f.p("VZEROUPPER")
	f.p("RET\n")
}

// avx2FloatOnce handles all 16 rows in one pass: with few rows of activations
// the sums fit in registers, and weights from memory should be read in order.
// Sums of row c: even columns in Y(4c) and Y(4c+1), odd in Y(4c+2) and Y(4c+3).
func avx2FloatOnce(f *file, name string, t *floatType, ny int) {
	avx2Start(f, name, ny)
	if t.set != "" {
		f.p("%s", t.set)
	}
	f.ahead(name, ny, false, "BX")
	for c := range 4 * ny {
		f.p("VPXOR Y%d, Y%d, Y%d", c, c, c)
	}
	f.p("CMPQ more+40(FP), $0")
	f.p("JEQ loop")
	for c := range ny {
		f.p("VMOVUPS %d(DX), Y%d", 64*c, 4*c)
		f.p("VMOVUPS %d(DX), Y%d", 64*c+32, 4*c+1)
	}
	f.raw("loop:")
	for o := 0; o < t.bytes; o += 64 {
		f.p("%s %d(SI)(BX*1)", f.hint, o)
	}
	halves := map[string][][]string{
		"F32":  {{"VMOVUPS (SI), Y9", "VMOVUPS 64(SI), Y10"}, {"VMOVUPS 32(SI), Y9", "VMOVUPS 96(SI), Y10"}},
		"F16":  {{"VCVTPH2PS (SI), Y9", "VCVTPH2PS 32(SI), Y10"}, {"VCVTPH2PS 16(SI), Y9", "VCVTPH2PS 48(SI), Y10"}},
		"BF16": {{"VPAND (SI), Y15, Y10", "VMOVDQU (SI), Y9", "VPSLLD $16, Y9, Y9"}, {"VPAND 32(SI), Y15, Y10", "VMOVDQU 32(SI), Y9", "VPSLLD $16, Y9, Y9"}},
	}[t.name]
	for h, lines := range halves {
		for _, s := range lines {
			f.p("%s", s)
		}
		for c := range ny {
			f.p("VBROADCASTSS (%s), Y8", avx2Cols[c])
			f.p("VFMADD231PS Y8, Y9, Y%d", 4*c+h)
			f.p("VBROADCASTSS 4(%s), Y8", avx2Cols[c])
			f.p("VFMADD231PS Y8, Y10, Y%d", 4*c+2+h)
		}
	}
	f.p("ADDQ $%d, SI", t.bytes)
	f.p("NEXT%d(8)", ny)
	f.p("DECQ CX")
	f.p("JNE loop")
	for c := range ny {
		for h := range 2 {
			f.p("VADDPS Y%d, Y%d, Y%d", 4*c+2+h, 4*c+h, 4*c+h)
			f.p("VMOVUPS Y%d, %d(DX)", 4*c+h, 64*c+32*h)
		}
	}
	f.p("VZEROUPPER")
	f.p("RET\n")
}
