package main

import (
	"fmt"
	"math"
)

// Products of int8: VPDPBUSD multiplies four bytes without a sign by four with one
// and adds all products to an int32. See quads.go in the package for what the
// functions compute; here are the layouts once more:
//
//	record: 32 dimensions of a query: int32 where sums begin, float32 factor, bytes
//	keys:   for each quad of dimensions: the quad of each of 64 rows
//	values: for each 32 dimensions, for each quad of rows: the quad of each dimension
const (
	recordBytes = 40
	groupBlocks = 4 // blocks of 32 dimensions that share a scale of the query
	quadBlock   = 2048
	weightOne   = 255 * 32 // 1 among weights
	shareOne    = 1024     // 1 among shares: their product, shifted by 15, is 255
)

func (t *tier) quadSource() {
	t.quadConstants()
	t.quadQuery()
	t.quadKeys()
	t.quadValues()
	t.rowScales()
	t.shareScales()
	t.weighConstants()
	t.quadWeights()
	for _, nq := range []int{1, 2, 3} {
		t.quadScores(nq)
	}
	for _, nq := range []int{1, 2, 4, 6} {
		t.quadSums(nq)
	}
}

func (t *tier) quadConstants() {
	word := func(name string, x uint32) {
		t.line("DATA %s<>+0(SB)/4, $0x%08X", name, x)
		t.line("GLOBL %s<>(SB), RODATA|NOPTR, $4\n", name)
	}
	word("qone", math.Float32bits(1))
	word("q127", math.Float32bits(127))
	word("q255", math.Float32bits(255))
	word("weightOne", math.Float32bits(weightOne))
	word("shareOne", math.Float32bits(shareOne))
	word("tinyScale", math.Float32bits(1e-15))
	word("tiny", math.Float32bits(1e-30))
	word("magnitude", 0x7FFFFFFF)
	word("flip", 0x80808080)
	for i := range 16 { // the transposition of 4 by 4 dwords
		t.line("DATA across<>+%d(SB)/4, $%d", 4*i, i%4*4+i/4)
	}
	t.line("GLOBL across<>(SB), RODATA|NOPTR, $64\n")
	for i := range 16 { // and of 4 by 4 bytes
		w := 0
		for j := range 4 {
			w |= (i%4 + 4*j) << (8 * j)
		}
		t.line("DATA within<>+%d(SB)/4, $0x%08X", 4*i, w)
	}
	t.line("GLOBL within<>(SB), RODATA|NOPTR, $64\n")
}

// quadQuery rounds a query: for each group its largest magnitude, then bytes.
func (t *tier) quadQuery() {
	t.line("// func queryVNNI(rec unsafe.Pointer, q *float32, blocks int)")
	t.line("TEXT ·queryVNNI(SB), NOSPLIT, $0-24")
	t.args("rec DI", "q SI", "blocks CX")
	t.op("VPBROADCASTD", "magnitude<>(SB)", "v7")
	t.line("\ngroup:")
	t.op("MOVQ", fmt.Sprintf("$%d", groupBlocks), "AX")
	t.op("CMPQ", "CX", "AX")
	t.op("CMOVQLT", "CX", "AX")
	t.op("SUBQ", "AX", "CX")
	t.op("MOVQ", "AX", "BX")
	t.op("MOVQ", "SI", "DX")
	t.zero(0)
	t.line("\nlargest:")
	for j := range 2 {
		t.op("VPANDD", fmt.Sprintf("%d(DX)", 64*j), "v7", v(1+j))
	}
	for j := range 2 {
		t.op("VMAXPS", "v0", v(1+j), "v0")
	}
	t.op("ADDQ", "$128", "DX")
	t.op("DECQ", "BX")
	t.line("\tJNZ largest")
	t.foldLanes("VMAXPS", "VMAXSS")
	t.op("VDIVSS", "q127<>(SB)", "X0", "X0")
	t.op("VMOVSS", "tinyScale<>(SB)", "X1")
	t.op("VMAXSS", "X0", "X1", "X0") // a NaN stays
	t.op("VMOVSS", "qone<>(SB)", "X1")
	t.op("VDIVSS", "X0", "X1", "X1")
	t.op("VBROADCASTSS", "X1", "v3")
	t.line("\nbytes:")
	for j := range 2 {
		t.op("VMULPS", fmt.Sprintf("%d(SI)", 64*j), "v3", v(4+j))
		t.op("VCVTPS2DQ", v(4+j), v(4+j))
		t.op("VPMOVSDB", v(4+j), fmt.Sprintf("%d(DI)", 8+16*j))
	}
	t.op("VPADDD", "v5", "v4", "v4")
	t.op("VEXTRACTI64X4", "$1", "Z4", "Y5")
	t.op("VPADDD", "Y5", "Y4", "Y4")
	t.op("VEXTRACTI128", "$1", "Y4", "X5")
	t.op("VPADDD", "X5", "X4", "X4")
	for _, swap := range []string{"$0x4E", "$0xB1"} {
		t.op("VPSHUFD", swap, "X4", "X5")
		t.op("VPADDD", "X5", "X4", "X4")
	}
	t.op("VMOVD", "X4", "DX")
	t.op("NEGL", "DX")
	t.op("SHLL", "$7", "DX")
	t.op("MOVL", "DX", "(DI)")
	t.op("VMOVSS", "X0", "4(DI)")
	t.op("ADDQ", "$128", "SI")
	t.op("ADDQ", fmt.Sprintf("$%d", recordBytes), "DI")
	t.op("DECQ", "AX")
	t.line("\tJNZ bytes")
	t.op("TESTQ", "CX", "CX")
	t.line("\tJNZ group")
	t.line("\tVZEROUPPER")
	t.line("\tRET\n")
}

// quadKeys packs 16 rows. Four blocks of a row are nine quarters of a vector, whose
// transposition, as in packKeys, leaves 36 columns: a scale and eight quads a block.
func (t *tier) quadKeys() {
	t.line("// func packKeysVNNI(dst unsafe.Pointer, scales *float32, src unsafe.Pointer, blocks, stride int)")
	t.line("TEXT ·packKeysVNNI(SB), NOSPLIT, $0-40")
	t.args("dst DI", "scales DX", "src SI", "blocks CX", "stride BX")
	t.op("LEAQ", "(BX)(BX*2)", "R8")
	rows := []string{"SI", "R9", "R10", "R11"}
	for l := 1; l < 4; l++ {
		t.op("LEAQ", fmt.Sprintf("(%s)(BX*4)", rows[l-1]), rows[l])
	}
	t.op("VPBROADCASTD", "flip<>(SB)", "v12")
	index := []string{"", "(BX*1)", "(BX*2)", "(R8*1)"}
	t.op("SUBQ", "$4", "CX")
	t.line("\tJLT  rest")
	t.line("\nfour:")
	for chunk := range 9 {
		t.quadColumns(rows, index, 16*chunk)
		for i := range 4 {
			column := 4*chunk + i
			t.quadStore(column/9, column%9, 8+i)
		}
	}
	t.quadNext(rows, 4)
	t.op("SUBQ", "$4", "CX")
	t.line("\tJGE  four")
	t.line("\nrest:")
	t.op("ADDQ", "$4", "CX")
	t.line("\tJZ   done")
	t.line("\nblocks:")
	for l := range 4 {
		for i := range 4 {
			t.op("MOVL", fmt.Sprintf("(%s)%s", rows[l], index[i]), "AX")
			t.op("MOVL", "AX", fmt.Sprintf("%d(DX)", 4*(4*l+i)))
		}
	}
	for chunk := range 2 {
		t.quadColumns(rows, index, 4+16*chunk)
		for i := range 4 {
			t.quadStore(0, 1+4*chunk+i, 8+i)
		}
	}
	t.quadNext(rows, 1)
	t.op("DECQ", "CX")
	t.line("\tJNZ blocks")
	t.line("\ndone:")
	t.line("\tVZEROUPPER")
	t.line("\tRET\n")
}

// quarters loads four times 16 bytes into register dst and uses tmp. (A load that fills
// 512 bits takes as long as two others.)
func (t *tier) quarters(dst, tmp int, from ...string) {
	for i, reg := range []int{dst, tmp} {
		t.op("VMOVDQU", from[2*i], fmt.Sprintf("X%d", reg))
		t.op("VINSERTI128", "$1", from[2*i+1], fmt.Sprintf("Y%d", reg), fmt.Sprintf("Y%d", reg))
	}
	t.op("VINSERTI64X4", "$1", fmt.Sprintf("Y%d", tmp), v(dst), v(dst))
}

// quadColumns sets v8 to v11 to the four dwords at off of 16 rows.
func (t *tier) quadColumns(rows, index []string, off int) {
	for i := range 4 {
		at := func(l int) string { return fmt.Sprintf("%d(%s)%s", off, rows[l], index[i]) }
		t.quarters(i, 4+i, at(0), at(1), at(2), at(3))
	}
	for half := range 2 {
		t.op("VPUNPCKLDQ", v(2*half+1), v(2*half), v(4+2*half))
		t.op("VPUNPCKHDQ", v(2*half+1), v(2*half), v(5+2*half))
	}
	for i := range 4 {
		op := []string{"VPUNPCKLQDQ", "VPUNPCKHQDQ"}[i%2]
		t.op(op, v(6+i/2), v(4+i/2), v(8+i))
	}
}

// quadStore stores a column of a block: its scales or one of its quads.
func (t *tier) quadStore(block, column, reg int) {
	if column == 0 {
		t.op("VMOVDQU32", v(reg), fmt.Sprintf("%d(DX)", 256*block))
		return
	}
	t.op("VPXORD", "v12", v(reg), v(reg))
	t.op("VMOVDQU32", v(reg), fmt.Sprintf("%d(DI)", quadBlock*block+256*(column-1)))
}

// quadNext goes on by some blocks.
func (t *tier) quadNext(rows []string, blocks int) {
	for _, r := range rows {
		t.op("ADDQ", fmt.Sprintf("$%d", blocks*q8.bytes), r)
	}
	t.op("ADDQ", fmt.Sprintf("$%d", blocks*256), "DX")
	t.op("ADDQ", fmt.Sprintf("$%d", blocks*quadBlock), "DI")
}

// quadValues packs quads of rows. A lane of v0 holds 16 dimensions of a row.
func (t *tier) quadValues() {
	t.line("// func packValuesVNNI(dst unsafe.Pointer, scales *float32, src unsafe.Pointer, blocks, stride, quads int)")
	t.line("TEXT ·packValuesVNNI(SB), NOSPLIT, $0-48")
	t.args("dst DI", "scales DX", "src SI", "blocks -", "stride BX", "quads CX")
	t.op("LEAQ", "(BX)(BX*2)", "R8")
	t.op("VMOVDQU32", "across<>(SB)", "v4")
	t.op("VMOVDQU32", "within<>(SB)", "v5")
	index := []string{"", "(BX*1)", "(BX*2)", "(R8*1)"}
	t.line("\nquad:")
	t.op("MOVQ", "SI", "R9")
	t.op("MOVQ", "DI", "R10")
	t.op("MOVQ", "DX", "R11")
	t.op("MOVQ", "blocks+24(FP)", "R12")
	t.line("\nblocks:")
	t.op("TESTQ", "R11", "R11")
	t.line("\tJZ   bytes")
	for i := range 4 {
		t.op("MOVL", "(R9)"+index[i], "AX")
		t.op("MOVL", "AX", fmt.Sprintf("%d(R11)", 4*i))
	}
	t.op("ADDQ", "$256", "R11")
	t.line("\nbytes:")
	for chunk := range 2 {
		at := func(l int) string { return fmt.Sprintf("%d(R9)%s", 4+16*chunk, index[l]) }
		t.quarters(chunk, 2+chunk, at(0), at(1), at(2), at(3))
		t.op("VPERMD", v(chunk), "v4", v(chunk))
		t.op("VPSHUFB", "v5", v(chunk), v(chunk))
		t.op("VMOVDQU32", v(chunk), fmt.Sprintf("%d(R10)", 64*chunk))
	}
	t.op("ADDQ", fmt.Sprintf("$%d", q8.bytes), "R9")
	t.op("ADDQ", fmt.Sprintf("$%d", quadBlock), "R10")
	t.op("DECQ", "R12")
	t.line("\tJNZ blocks")
	t.op("LEAQ", "(SI)(BX*4)", "SI")
	t.op("ADDQ", "$128", "DI")
	t.op("TESTQ", "DX", "DX")
	t.line("\tJZ   next")
	t.op("ADDQ", "$16", "DX")
	t.line("\nnext:")
	t.op("DECQ", "CX")
	t.line("\tJNZ quad")
	t.line("\tVZEROUPPER")
	t.line("\tRET\n")
}

func (t *tier) rowScales() {
	t.line("// func rowScalesVNNI(row, inv, scales *float32, blocks int)")
	t.line("TEXT ·rowScalesVNNI(SB), NOSPLIT, $0-32")
	t.args("row DI", "inv DX", "scales SI", "blocks CX")
	for j := range 4 {
		t.zero(j)
	}
	t.line("\nblocks:")
	for j := range 4 {
		t.op("VMAXPS", fmt.Sprintf("%d(SI)", 64*j), v(j), v(j))
	}
	t.op("ADDQ", "$256", "SI")
	t.op("DECQ", "CX")
	t.line("\tJNZ blocks")
	t.op("VBROADCASTSS", "tiny<>(SB)", "v4")
	t.op("VBROADCASTSS", "qone<>(SB)", "v5")
	for j := range 4 {
		t.op("VMOVUPS", v(j), fmt.Sprintf("%d(DI)", 64*j))
		t.op("VMAXPS", "v4", v(j), v(j))
		t.op("VDIVPS", v(j), "v5", v(j))
		t.op("VMOVUPS", v(j), fmt.Sprintf("%d(DX)", 64*j))
	}
	t.line("\tVZEROUPPER")
	t.line("\tRET\n")
}

// words packs v8 to v11, whole numbers below 65536, into 16 bits each: quads of rows
// 0, 16, 32 and 48 together in a lane, then those of rows 4, 20, ... at to.
func (t *tier) words(to string) {
	for j := range 4 {
		t.op("VCVTPS2DQ", v(8+j), v(8+j))
	}
	for j := range 2 {
		t.op("VPACKUSDW", v(9+2*j), v(8+2*j), v(8+2*j))
		t.op("VMOVDQU32", v(8+2*j), fmt.Sprintf("%d(%s)", 64*j, to))
	}
}

func (t *tier) shareScales() {
	t.line("// func shareScalesVNNI(share *uint16, col, scales, inv *float32, blocks int, rows uint64)")
	t.line("TEXT ·shareScalesVNNI(SB), NOSPLIT, $0-48")
	t.args("share DI", "col DX", "scales SI", "inv AX", "blocks CX", "rows BX")
	for j := range 4 {
		t.op("KMOVW", "BX", "K1")
		t.op("SHRQ", "$16", "BX")
		t.op("VMOVUPS.Z", fmt.Sprintf("%d(AX)", 64*j), "K1", v(4+j))
	}
	t.op("VMOVSS", "tiny<>(SB)", "X2")
	t.op("VMOVSS", "shareOne<>(SB)", "X3")
	t.line("\nblocks:")
	for j := range 4 {
		t.op("VMULPS", fmt.Sprintf("%d(SI)", 64*j), v(4+j), v(8+j))
	}
	t.top4(8)
	t.op("VMOVSS", "X0", "(DX)")
	t.stretch("X2", "X3")
	t.words("DI")
	t.op("ADDQ", "$256", "SI")
	t.op("ADDQ", "$128", "DI")
	t.op("ADDQ", "$4", "DX")
	t.op("DECQ", "CX")
	t.line("\tJNZ blocks")
	t.line("\tVZEROUPPER")
	t.line("\tRET\n")
}

// stretch multiplies v8 to v11 so that X0, or least if that is larger, becomes one.
func (t *tier) stretch(least, one string) {
	t.op("VMAXSS", least, "X0", "X0")
	t.op("VDIVSS", "X0", one, "X0")
	t.op("VBROADCASTSS", "X0", "v0")
	for j := range 4 {
		t.op("VMULPS", "v0", v(8+j), v(8+j))
	}
}

// quadWeights is weigh, with weights that take in the rows' scales. Two coefficients
// less leave an error of 2.4e-6 in them, which have 13 bits.
func (t *tier) quadWeights() {
	t.line("// func weighVNNI(x *float32, w *uint16, m, l, top, shrink, most, row *float32, n int)")
	t.line("TEXT ·weighVNNI(SB), NOSPLIT, $0-72")
	t.args("x SI", "w DI", "m R8", "l R9", "top R10", "shrink R11", "most R12", "row R13", "n CX")
	t.weighLoad()
	t.weighTops()
	t.weighShrink()
	const row = 12
	for j := range 4 {
		t.op("VMOVUPS", fmt.Sprintf("%d(R13)", 64*j), v(row+j))
	}
	t.op("VMOVSS", "tiny<>(SB)", "X18")
	t.op("VMOVSS", "weightOne<>(SB)", "X19")
	t.op("MOVQ", "SI", "AX")
	t.op("XORQ", "DX", "DX")
	t.line("\nsums:")
	t.op("VBROADCASTSS", "(R8)(DX*4)", "v16")
	for j := range 4 {
		t.op("VMOVUPS", fmt.Sprintf("%d(AX)", 64*j), v(j))
	}
	for j := range 4 {
		t.op("VSUBPS", "v16", v(j), v(j))
	}
	t.expsOf(4, 2)
	for j := range 4 {
		t.op("VMULPS", v(row+j), v(j), v(8+j))
	}
	t.op("VADDPS", "v1", "v0", "v16")
	t.op("VADDPS", "v3", "v2", "v17")
	t.op("VADDPS", "v17", "v16", "v16")
	t.top4(8)
	t.op("VDIVSS", "q255<>(SB)", "X0", "X1")
	t.op("VMOVSS", "X1", "(R12)(DX*4)")
	t.stretch("X18", "X19")
	t.words("DI")
	t.op("VMOVAPS", "v16", "v0")
	t.foldLanes("VADDPS", "VADDSS")
	t.op("VADDSS", "(R9)(DX*4)", "X0", "X0")
	t.op("VMOVSS", "X0", "(R9)(DX*4)")
	t.op("ADDQ", fmt.Sprintf("$%d", scoreStride), "AX")
	t.op("ADDQ", "$128", "DI")
	t.op("INCQ", "DX")
	t.op("CMPQ", "DX", "CX")
	t.line("\tJLT  sums")
	t.line("\tVZEROUPPER")
	t.line("\tRET\n")
}

// top4 sets X0 to the largest of four vectors from v(at) on, and uses v1.
func (t *tier) top4(at int) {
	t.op("VMAXPS", v(at), v(at+1), "v0")
	t.op("VMAXPS", v(at+2), v(at+3), "v1")
	t.op("VMAXPS", "v0", "v1", "v0")
	t.foldLanes("VMAXPS", "VMAXSS")
}

// quadScores writes the products of nq queries with 64 keys.
func (t *tier) quadScores(nq int) {
	t.line("// func scoresQuadx%d(rec, keys unsafe.Pointer, out, scales *float32, blocks, groups int, from uintptr, lines int)", nq)
	t.line("TEXT ·scoresQuadx%d(SB), NOSPLIT, $0-64", nq)
	t.args("rec DI", "keys -", "out DX", "scales -", "blocks -", "groups AX", "from R12", "lines R14")
	t.op("MOVQ", "blocks+32(FP)", "CX")
	t.op("IMUL3Q", fmt.Sprintf("$%d", recordBytes), "CX", "BX")
	t.line("\nqueries:")
	t.op("MOVQ", "keys+8(FP)", "SI")
	t.op("MOVQ", "scales+24(FP)", "R8")
	t.op("MOVQ", "blocks+32(FP)", "CX")
	query := func(i, off int) string {
		return fmt.Sprintf("%d%s", off, []string{"(DI)", "(DI)(BX*1)", "(DI)(BX*2)"}[i])
	}
	sum, key, q := 4*nq, 8*nq, 8*nq+4
	for i := range 4 * nq {
		t.zero(sum + i)
	}
	t.op("MOVQ", fmt.Sprintf("$%d", groupBlocks), "R9")
	t.line("\nblocks:")
	t.fetch("", "R12", "R14", "R13")
	for i := range nq {
		t.op("VPBROADCASTD", query(i, 0), v(4*i))
		for g := 1; g < 4; g++ {
			t.op("VMOVDQA32", v(4*i), v(4*i+g))
		}
	}
	for j := range 8 {
		for g := range 4 {
			t.op("VMOVDQU32", fmt.Sprintf("%d(SI)", 256*j+64*g), v(key+g))
		}
		for i := range nq {
			t.op("VPBROADCASTD", query(i, 8+4*j), v(q+i%2))
			for g := range 4 {
				t.op("VPDPBUSD", v(q+i%2), v(key+g), v(4*i+g))
			}
		}
	}
	for i := range 4 * nq {
		t.op("VCVTDQ2PS", v(i), v(i))
	}
	for g := range 4 {
		t.op("VMOVUPS", fmt.Sprintf("%d(R8)", 64*g), v(key+g))
	}
	for i := range 4 * nq {
		t.op("VFMADD231PS", v(key+i%4), v(i), v(sum+i))
	}
	t.op("DECQ", "R9")
	t.line("\tJZ   group")
	t.line("\nnext:")
	t.op("ADDQ", fmt.Sprintf("$%d", quadBlock), "SI")
	t.op("ADDQ", "$256", "R8")
	t.op("ADDQ", fmt.Sprintf("$%d", recordBytes), "DI")
	t.op("DECQ", "CX")
	t.line("\tJNZ  blocks")
	t.op("CMPQ", "R9", fmt.Sprintf("$%d", groupBlocks))
	t.line("\tJEQ  done")
	t.op("SUBQ", fmt.Sprintf("$%d", recordBytes), "DI")
	t.quadFactor(nq, query, sum)
	t.op("ADDQ", fmt.Sprintf("$%d", recordBytes), "DI")
	t.line("\ndone:")
	for i := range nq {
		for g := range 4 {
			t.op("VMOVUPS", v(sum+4*i+g), fmt.Sprintf("%d(DX)", i*scoreStride+64*g))
		}
	}
	for range nq - 1 { // the first query's records are behind
		t.op("ADDQ", "BX", "DI")
	}
	t.op("ADDQ", fmt.Sprintf("$%d", nq*scoreStride), "DX")
	t.op("DECQ", "AX")
	t.line("\tJNZ  queries")
	t.line("\tVZEROUPPER")
	t.line("\tRET\n")
	t.line("group:")
	t.quadFactor(nq, query, sum)
	t.op("MOVQ", fmt.Sprintf("$%d", groupBlocks), "R9")
	t.line("\tJMP next\n")
}

// quadFactor multiplies the sums by the factors of a block.
func (t *tier) quadFactor(nq int, query func(i, off int) string, sum int) {
	for i := range nq {
		t.op("VBROADCASTSS", query(i, 4), v(0))
		for g := range 4 {
			t.op("VMULPS", v(0), v(sum+4*i+g), v(sum+4*i+g))
		}
	}
}

// quadSums writes the weighted sums of 64 rows for nq queries. First come the bytes
// of all weights. Packing leaves quads of rows in the order 0, 16, 32, 48, 4, 20, ...
func (t *tier) quadSums(nq int) {
	t.line("// func valuesQuadx%d(acc *float32, vals unsafe.Pointer, x, share *uint16, col, top *float32, w unsafe.Pointer, blocks, accStride, groups int, from uintptr, lines int)", nq)
	t.line("TEXT ·valuesQuadx%d(SB), NOSPLIT, $8-96", nq)
	t.args("acc DI", "vals -", "x DX", "share -", "col -", "top R10", "w -", "blocks -", "accStride AX", "groups BX", "from R12", "lines R14")
	t.op("MOVQ", "BX", "left-8(SP)")
	t.line("\nqueries:")
	t.op("MOVQ", "vals+8(FP)", "SI")
	t.op("MOVQ", "share+24(FP)", "R8")
	t.op("MOVQ", "col+32(FP)", "R9")
	t.op("MOVQ", "w+48(FP)", "R11")
	t.op("MOVQ", "blocks+56(FP)", "CX")
	t.op("MOVQ", "R11", "R13")
	t.op("MOVQ", "CX", "BX")
	for i := range 2 * nq {
		t.op("VMOVDQU32", fmt.Sprintf("%d(DX)", 64*i), v(4+i))
	}
	t.line("\nweights:")
	for j := range 2 {
		t.op("VMOVDQU32", fmt.Sprintf("%d(R8)", 64*j), v(j))
	}
	for i := range nq {
		t.op("VPMULHRSW", v(0), v(4+2*i), v(2))
		t.op("VPMULHRSW", v(1), v(5+2*i), v(3))
		t.op("VPACKUSWB", v(3), v(2), v(2))
		t.op("VMOVDQU32", v(2), fmt.Sprintf("%d(R13)", 64*i))
	}
	t.op("ADDQ", "$128", "R8")
	t.op("ADDQ", fmt.Sprintf("$%d", 64*nq), "R13")
	t.op("DECQ", "BX")
	t.line("\tJNZ  weights\n")
	sum, value, weight := 1, 1+2*nq, 1+2*nq+2
	t.line("\nblocks:")
	for i := range 2 * nq {
		t.zero(sum + i)
	}
	t.op("MOVQ", "$4", "R13")
	t.line("\nlane:")
	t.fetch("", "R12", "R14", "BX")
	for k := range 4 {
		for j := range 2 {
			t.op("VMOVDQU32", fmt.Sprintf("%d(SI)", 512*k+64*j), v(value+j))
		}
		for i := range nq {
			t.op("VPBROADCASTD", fmt.Sprintf("%d(R11)", 64*i+4*k), v(weight+i%2))
			for j := range 2 {
				t.op("VPDPBUSD", v(value+j), v(weight+i%2), v(sum+2*i+j))
			}
		}
	}
	t.op("ADDQ", "$128", "SI")
	t.op("ADDQ", "$16", "R11")
	t.op("DECQ", "R13")
	t.line("\tJNZ  lane")
	t.op("ADDQ", fmt.Sprintf("$%d", quadBlock-512), "SI")
	t.op("ADDQ", fmt.Sprintf("$%d", 64*nq-64), "R11")
	t.op("VMOVSS", "(R9)", "X0")
	t.op("MOVQ", "DI", "BX")
	for i := range nq {
		t.op("VMULSS", fmt.Sprintf("%d(R10)", 4*i), "X0", fmt.Sprintf("X%d", weight+i%2))
		t.op("VBROADCASTSS", fmt.Sprintf("X%d", weight+i%2), v(weight+i%2))
		for j := range 2 {
			r := v(sum + 2*i + j)
			t.op("VCVTDQ2PS", r, r)
			t.op("VFMADD213PS", fmt.Sprintf("%d(BX)", 64*j), v(weight+i%2), r)
			t.op("VMOVUPS", r, fmt.Sprintf("%d(BX)", 64*j))
		}
		if i+1 < nq {
			t.op("ADDQ", "AX", "BX")
		}
	}
	t.op("ADDQ", "$128", "DI")
	t.op("ADDQ", "$4", "R9")
	t.op("DECQ", "CX")
	t.line("\tJNZ  blocks")
	t.op("MOVQ", "blocks+56(FP)", "CX")
	t.op("SHLQ", "$7", "CX")
	t.op("SUBQ", "CX", "DI")
	for range nq {
		t.op("ADDQ", "AX", "DI")
	}
	t.op("ADDQ", fmt.Sprintf("$%d", 128*nq), "DX")
	t.op("ADDQ", fmt.Sprintf("$%d", 4*nq), "R10")
	t.op("DECQ", "left-8(SP)")
	t.line("\tJNZ  queries")
	t.line("\tVZEROUPPER")
	t.line("\tRET\n")
}
