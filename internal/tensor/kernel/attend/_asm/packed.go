package main

import "fmt"

// Keys of up to 256 dimensions, and their values, are packed first, a block at a
// time, so that no product needs a shuffle or a sum over lanes:
//
//	keys:   for each 16 rows, for each pair of dimensions: the pair of each row
//	values: for each pair of rows, for each dimension: the pair of both rows
//
// A pair is 32 bits, and 16 of them are a vector. (These are also the rows of
// AMX tiles.) In scores, a lane is a key; in values, a dimension. Either way a
// result's additions come one after the other in one lane.

func (t *tier) packedSource() {
	t.narrowQ8()
	t.packKeys()
	t.packValues()
	for _, nq := range []int{1, 2, 4, 6} {
		t.packedScores(nq)
	}
	for _, nq := range []int{1, 2, 4, 6} {
		t.packedValues(nq)
	}
}

// narrowQ8 writes the conversion of rows to bf16, 32 numbers at a time.
func (t *tier) narrowQ8() {
	t.line("// func narrowQ8(dst, src unsafe.Pointer, dims, stride, n int)")
	t.line("TEXT ·narrowQ8(SB), NOSPLIT, $0-40")
	t.args("dst DI", "src DX", "dims AX", "stride BX", "n CX")
	t.line("\nrow:")
	t.op("MOVQ", "DX", "SI")
	t.op("MOVQ", "AX", "R8")
	t.line("\ndims:")
	t.load(q8, "SI", 0, 0, 3, true)
	t.load(q8, "SI", 1, 1, 3, true)
	t.narrow(1, 0, 2)
	t.op("VMOVDQU32", "v2", "(DI)")
	t.op("ADDQ", fmt.Sprintf("$%d", q8.bytes), "SI")
	t.op("ADDQ", "$64", "DI")
	t.op("SUBQ", "$32", "R8")
	t.line("\tJGT dims")
	t.op("ADDQ", "BX", "DX")
	t.op("DECQ", "CX")
	t.line("\tJNZ row")
	t.line("\tVZEROUPPER")
	t.line("\tRET\n")
}

// packKeys writes the packing of 16 rows. A quarter of a vector holds 4 pairs of a
// row: v0 gets those of rows 0, 4, 8 and 12, v1 of rows 1, 5, 9 and 13, and so on;
// then each quarter is a 4 by 4 transposition.
func (t *tier) packKeys() {
	t.line("// func packKeys(dst, src unsafe.Pointer, dims, stride int)")
	t.line("TEXT ·packKeys(SB), NOSPLIT, $0-32")
	t.args("dst DI", "src SI", "dims CX", "stride BX")
	t.op("LEAQ", "(BX)(BX*2)", "R8")
	quads := []string{"SI", "R9", "R10", "R11"}
	for l := 1; l < 4; l++ {
		t.op("LEAQ", fmt.Sprintf("(%s)(BX*4)", quads[l-1]), quads[l])
		t.op("MOVL", fmt.Sprintf("$0x%X", 0xF<<(4*l)), "AX")
		t.op("KMOVW", "AX", fmt.Sprintf("K%d", l))
	}
	index := []string{"", "(BX*1)", "(BX*2)", "(R8*1)"}
	t.line("\ndims:")
	for chunk := range 4 {
		for i := range 4 {
			at := func(l int) string { return fmt.Sprintf("%d(%s)%s", 16*chunk, quads[l], index[i]) }
			t.op("VBROADCASTI32X4", at(0), v(i))
			for l := 1; l < 4; l++ {
				t.op("VBROADCASTI32X4", at(l), fmt.Sprintf("K%d", l), v(i))
			}
		}
		for half := range 2 {
			t.op("VPUNPCKLDQ", v(2*half+1), v(2*half), v(4+2*half))
			t.op("VPUNPCKHDQ", v(2*half+1), v(2*half), v(5+2*half))
		}
		for i := range 4 {
			op := []string{"VPUNPCKLQDQ", "VPUNPCKHQDQ"}[i%2]
			t.op(op, v(6+i/2), v(4+i/2), v(8+i))
			t.op("VMOVDQU32", v(8+i), fmt.Sprintf("%d(DI)", 64*(4*chunk+i)))
		}
	}
	for _, q := range quads {
		t.op("ADDQ", "$64", q)
	}
	t.op("ADDQ", "$1024", "DI")
	t.op("SUBQ", "$32", "CX")
	t.line("\tJGT dims")
	t.line("\tVZEROUPPER")
	t.line("\tRET\n")
}

// packValues writes the packing of pairs of rows.
func (t *tier) packValues() {
	for half := range 2 {
		for i := range 16 {
			d := uint32(16*half + i)
			t.line("DATA both%d<>+%d(SB)/4, $0x%08X", half, 4*i, (32+d)<<16|d)
		}
		t.line("GLOBL both%d<>(SB), RODATA|NOPTR, $64\n", half)
	}
	t.line("// func packValues(dst, src unsafe.Pointer, dims, stride, pairs int)")
	t.line("TEXT ·packValues(SB), NOSPLIT, $0-40")
	t.args("dst DI", "src DX", "dims -", "stride BX", "pairs CX")
	t.op("VMOVDQU32", "both0<>(SB)", "v4")
	t.op("VMOVDQU32", "both1<>(SB)", "v5")
	t.line("\npair:")
	t.op("MOVQ", "DX", "SI")
	t.op("MOVQ", "dims+16(FP)", "AX")
	t.line("\ndims:")
	t.op("VMOVDQU32", "(SI)", "v0")
	t.op("VMOVDQA32", "v0", "v1")
	t.op("VMOVDQU32", "(SI)(BX*1)", "v2")
	t.op("VPERMT2W", "v2", "v4", "v0")
	t.op("VPERMT2W", "v2", "v5", "v1")
	t.op("VMOVDQU32", "v0", "(DI)")
	t.op("VMOVDQU32", "v1", "64(DI)")
	t.op("ADDQ", "$64", "SI")
	t.op("ADDQ", "$128", "DI")
	t.op("SUBQ", "$32", "AX")
	t.line("\tJGT dims")
	t.op("LEAQ", "(DX)(BX*2)", "DX")
	t.op("DECQ", "CX")
	t.line("\tJNZ pair")
	t.line("\tVZEROUPPER")
	t.line("\tRET\n")
}

// packedScores writes the products of nq queries with the 64 keys of a block.
func (t *tier) packedScores(nq int) {
	t.line("// func packedScoresx%d(q *uint16, keys unsafe.Pointer, out *float32, dk int, from uintptr, lines int)", nq)
	t.line("TEXT ·packedScoresx%d(SB), NOSPLIT, $0-48", nq)
	t.args("q DI", "keys SI", "out DX", "dk CX", "from R12", "lines R14")
	t.op("LEAQ", "(CX)(CX*1)", "BX") // bytes of a query
	t.op("LEAQ", "(BX)(BX*2)", "R8")
	t.op("LEAQ", "(DI)(BX*4)", "R11")
	t.op("MOVQ", "CX", "R9") // bytes of 16 keys
	t.op("SHLQ", "$5", "R9")
	t.op("LEAQ", "(R9)(R9*2)", "R10")
	for i := range 4 * nq {
		t.zero(i)
	}
	query := []string{"(DI)", "(DI)(BX*1)", "(DI)(BX*2)", "(DI)(R8*1)", "(R11)", "(R11)(BX*1)"}
	key, q := 4*nq, 4*nq+4
	t.line("\npairs:")
	t.fetch("", "R12", "R14", "R13")
	for g, at := range []string{"(SI)", "(SI)(R9*1)", "(SI)(R9*2)", "(SI)(R10*1)"} {
		t.op("VMOVDQU32", at, v(key+g))
	}
	for i := range nq {
		t.op("VPBROADCASTD", query[i], v(q+i%2))
		for g := range 4 {
			t.dp(q+i%2, key+g, 4*i+g)
		}
	}
	t.op("ADDQ", "$64", "SI")
	t.op("ADDQ", "$4", "DI")
	if nq > 4 {
		t.op("ADDQ", "$4", "R11")
	}
	t.op("SUBQ", "$2", "CX")
	t.line("\tJGT pairs\n")
	for i := range nq {
		for g := range 4 {
			t.op("VMOVUPS", v(4*i+g), fmt.Sprintf("%d(DX)", i*scoreStride+64*g))
		}
	}
	t.line("\tVZEROUPPER")
	t.line("\tRET\n")
}

// packedValues writes the weighted sums of pairs of rows for nq queries, in strips
// of 64 dimensions and one of 32.
func (t *tier) packedValues(nq int) {
	t.line("// func packedValuesx%d(acc *float32, values unsafe.Pointer, w *uint16, dv, accStride, pairs int, from uintptr, lines int)", nq)
	t.line("TEXT ·packedValuesx%d(SB), NOSPLIT, $0-64", nq)
	t.args("acc DI", "values SI", "w DX", "dv CX", "accStride AX", "pairs -", "from R12", "lines R14")
	t.op("LEAQ", "(AX)(AX*2)", "R8")
	t.op("MOVQ", "CX", "BX") // bytes of a pair of rows
	t.op("SHLQ", "$2", "BX")
	t.packedStrip(nq, 4)
	t.packedStrip(nq, 2)
	t.line("\tVZEROUPPER")
	t.line("\tRET\n")
}

func (t *tier) packedStrip(nq, vectors int) {
	label := fmt.Sprint(vectors)
	t.line("\nstrip%s:", label)
	t.op("CMPQ", "CX", fmt.Sprintf("$%d", 16*vectors))
	t.line("\tJLT next%s", label)
	each := func(f func(at string, reg int)) {
		t.op("LEAQ", "(DI)(AX*4)", "R9")
		for i := range nq {
			p := []string{"(DI)", "(DI)(AX*1)", "(DI)(AX*2)", "(DI)(R8*1)", "(R9)", "(R9)(AX*1)"}[i]
			for j := range vectors {
				f(fmt.Sprintf("%d%s", 64*j, p), i*vectors+j)
			}
		}
	}
	each(func(at string, reg int) { t.op("VMOVUPS", at, v(reg)) })
	t.op("MOVQ", "SI", "R9")
	t.op("MOVQ", "DX", "R10")
	t.op("MOVQ", "pairs+40(FP)", "R11")
	row := nq * vectors
	weight := row + vectors
	t.line("\npairs%s:", label)
	t.fetch(label, "R12", "R14", "R13")
	for j := range vectors {
		t.op("VMOVDQU32", fmt.Sprintf("%d(R9)", 64*j), v(row+j))
	}
	for i := range nq {
		t.op("VPBROADCASTD", fmt.Sprintf("%d(R10)", i*weightStride), v(weight+i%2))
		for j := range vectors {
			t.dp(row+j, weight+i%2, i*vectors+j)
		}
	}
	t.op("ADDQ", "BX", "R9")
	t.op("ADDQ", "$4", "R10")
	t.op("DECQ", "R11")
	t.line("\tJNZ pairs%s\n", label)
	each(func(at string, reg int) { t.op("VMOVUPS", v(reg), at) })
	t.op("ADDQ", fmt.Sprintf("$%d", 64*vectors), "DI")
	t.op("ADDQ", fmt.Sprintf("$%d", 64*vectors), "SI")
	t.op("SUBQ", fmt.Sprintf("$%d", 16*vectors), "CX")
	t.line("\tJMP strip%s", label)
	t.line("\nnext%s:", label)
}
