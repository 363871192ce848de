package main

import "fmt"

// AMX multiplies tiles of up to 16 rows of 64 bytes: TDPBF16PS adds to 16x16 float32
// sums the products of 16 rows of 32 bf16 with 16 columns of 32 bf16, where two
// numbers of a column that follow each other are side by side in a row.
//
// Scores are rows of keys, as they are in the cache, times columns of queries, which
// are brought into that order once for all keys. What comes out has a row for each
// key, so it is transposed on the way to the scores. Values are rows of weights times
// columns of values, a dimension of two rows side by side: the rows of a block are
// interleaved once for all queries. As with VDPBF16PS that leaves the dimensions of a
// vector of 32 in an order of its own.

const (
	// tileBytes is a whole tile.
	tileBytes = 1024
	// tilesAt is where the functions put sums, behind the tiles' configuration.
	tilesAt = 64
)

func (t *tier) amxSource() {
	t.tileQueries()
	t.tileScores()
	t.tilePairs()
	t.tileValues()
}

// transpose writes the transposition of 16x16 numbers of 32 bits. from gives the
// address of four columns of a row, counted in fours, to that of a whole row.
func (t *tier) transpose(from func(row, four int) string, to func(row int) string) {
	for four := range 4 {
		for r := range 4 { // rows r, r+4, r+8, r+12 side by side
			t.op("VMOVUPS", from(r, four), fmt.Sprintf("X%d", r))
			for lane := 1; lane < 4; lane++ {
				t.op("VINSERTF32X4", fmt.Sprintf("$%d", lane), from(r+4*lane, four), v(r), v(r))
			}
		}
		t.op("VUNPCKLPS", "v1", "v0", "v4") // a0 b0 a1 b1
		t.op("VUNPCKHPS", "v1", "v0", "v5")
		t.op("VUNPCKLPS", "v3", "v2", "v6") // c0 d0 c1 d1
		t.op("VUNPCKHPS", "v3", "v2", "v7")
		for i, half := range []int{4, 5} {
			t.op("VUNPCKLPD", v(half+2), v(half), v(8+2*i)) // a0 b0 c0 d0
			t.op("VUNPCKHPD", v(half+2), v(half), v(9+2*i))
		}
		for r := range 4 {
			t.op("VMOVUPS", v(8+r), to(4*four+r))
		}
	}
}

// tileQueries writes the transposition of 16 queries, stride bytes apart: n tiles
// of 32 dimensions, in pairs of dimensions.
func (t *tier) tileQueries() {
	t.line("// func amxQueries(dst *byte, q *uint16, stride, n int)")
	t.line("TEXT ·amxQueries(SB), NOSPLIT, $0-32")
	t.args("dst DI", "q SI", "stride BX", "n CX")
	t.op("LEAQ", "(BX)(BX*2)", "R8")
	for i, r := range []string{"R9", "R10", "R11"} { // rows 4, 8, 12
		t.op("LEAQ", fmt.Sprintf("(%s)(BX*4)", []string{"SI", "R9", "R10"}[i]), r)
	}
	t.line("\nloop:")
	t.transpose(func(row, four int) string {
		base := []string{"SI", "R9", "R10", "R11"}[row/4]
		return fmt.Sprintf("%d(%s)%s", 16*four, base, []string{"", "(BX*1)", "(BX*2)", "(R8*1)"}[row%4])
	}, func(row int) string { return fmt.Sprintf("%d(DI)", 64*row) })
	for _, r := range []string{"SI", "R9", "R10", "R11"} {
		t.op("ADDQ", "$64", r)
	}
	t.op("ADDQ", fmt.Sprintf("$%d", tileBytes), "DI")
	t.op("DECQ", "CX")
	t.line("\tJNZ loop")
	t.line("\tVZEROUPPER")
	t.line("\tRET\n")
}

// tileScores writes the products of four tiles of 16 keys, wherever they are, with
// some tiles of 16 queries.
//
//	AX  the tiles' configuration, then where sums are stored
//	BX  scores          CX  64: bytes between rows of queries and of sums
//	DX  queries         SI  tiles of dimensions left, then tiles of sums
//	DI  where sums are stored
//	R8 to R11   keys    R12 to R15  bytes between them
func (t *tier) tileScores() {
	t.line("// func amxScores(q *byte, keys *unsafe.Pointer, strides *int, out *float32, n, queries int, mem *byte)")
	t.line("TEXT ·amxScores(SB), NOSPLIT, $0-56")
	t.args("q DX", "keys -", "strides SI", "out BX", "n -", "queries -", "mem AX")
	t.line("\tLDTILECFG_AX")
	for i := range 4 {
		t.op("MOVQ", fmt.Sprintf("%d(SI)", 8*i), fmt.Sprintf("R%d", 12+i))
	}
	t.op("LEAQ", fmt.Sprintf("%d(AX)", tilesAt), "DI")
	t.op("MOVQ", "$64", "CX")
	t.line("\nqueries:")
	t.op("MOVQ", "keys+8(FP)", "SI")
	for i := range 4 {
		t.op("MOVQ", fmt.Sprintf("%d(SI)", 8*i), fmt.Sprintf("R%d", 8+i))
	}
	for i := range 4 {
		t.line("\tTILEZERO%d", i)
	}
	t.op("MOVQ", "n+32(FP)", "SI")
	t.line("\ndims:")
	t.line("\tTILELOAD_B0")
	for i := range 4 {
		t.line("\tTILELOAD_K%d", i)
		t.line("\tTDPBF16PS_%d_%d_6", i, 4+i%2)
		t.op("ADDQ", "$64", fmt.Sprintf("R%d", 8+i))
	}
	t.op("ADDQ", fmt.Sprintf("$%d", tileBytes), "DX")
	t.op("DECQ", "SI")
	t.line("\tJNZ dims\n")
	t.op("MOVQ", "DI", "AX")
	for i := range 4 {
		t.line("\tTILESTORE%d", i)
		t.op("ADDQ", fmt.Sprintf("$%d", tileBytes), "AX")
	}
	t.op("MOVQ", "DI", "AX")
	t.op("MOVQ", "$4", "SI")
	t.line("\nsums:")
	t.transpose(func(row, four int) string { return fmt.Sprintf("%d(AX)", 64*row+16*four) },
		func(row int) string { return fmt.Sprintf("%d(BX)", scoreStride*row) })
	t.op("ADDQ", fmt.Sprintf("$%d", tileBytes), "AX")
	t.op("ADDQ", "$64", "BX")
	t.op("DECQ", "SI")
	t.line("\tJNZ sums\n")
	t.op("ADDQ", fmt.Sprintf("$%d", 16*scoreStride-4*64), "BX")
	t.op("DECQ", "queries+40(FP)")
	t.line("\tJNZ queries")
	t.line("\tTILERELEASE")
	t.line("\tVZEROUPPER")
	t.line("\tRET\n")
}

// tilePairs writes the interleaving of 64 rows of values, wherever they are, in
// pairs: n times two tiles of 16 dimensions and 32 rows for the first rows, and as
// many for the others.
func (t *tier) tilePairs() {
	t.line("// func amxPairs(dst *byte, rows *unsafe.Pointer, n int)")
	t.line("TEXT ·amxPairs(SB), NOSPLIT, $0-24")
	t.args("dst DX", "rows BX", "n AX")
	t.op("MOVQ", "$32", "CX")
	t.line("\npair:")
	t.op("MOVQ", "(BX)", "SI")
	t.op("MOVQ", "8(BX)", "DI")
	t.op("MOVQ", "DX", "R8")
	t.op("MOVQ", "AX", "R9")
	t.line("\ndims:")
	t.op("VMOVDQU32", "(SI)", "v0")
	t.op("VMOVDQU32", "(DI)", "v1")
	t.op("VPUNPCKLWD", "v1", "v0", "v2")
	t.op("VPUNPCKHWD", "v1", "v0", "v3")
	t.op("VMOVDQU32", "v2", "(R8)")
	t.op("VMOVDQU32", "v3", fmt.Sprintf("%d(R8)", tileBytes))
	t.op("ADDQ", "$64", "SI")
	t.op("ADDQ", "$64", "DI")
	t.op("ADDQ", fmt.Sprintf("$%d", 2*tileBytes), "R8")
	t.op("DECQ", "R9")
	t.line("\tJNZ dims\n")
	t.op("ADDQ", "$16", "BX")
	t.op("ADDQ", "$64", "DX")
	t.op("CMPQ", "CX", "$17")
	t.line("\tJNE next")
	t.op("LEAQ", fmt.Sprintf("%d(R8)", -15*64), "DX")
	t.line("\nnext:")
	t.op("DECQ", "CX")
	t.line("\tJNZ pair")
	t.line("\tVZEROUPPER")
	t.line("\tRET\n")
}

// tileValues writes the products of some tiles of 16 queries' weights with what
// tilePairs made.
//
//	AX  the tiles' configuration, then sums      BX  128: bytes between weights
//	CX  bytes between sums                       R8  64: bytes between values
//	DX, R9   values: rows 0 and 32 of the next tile
//	SI, DI   weights: rows 0 and 32
//	R10 sums of 16 queries   R11 vectors of 32 dimensions left
func (t *tier) tileValues() {
	t.line("// func amxValues(acc *float32, stride int, w *uint16, v *byte, n, queries int, mem *byte)")
	t.line("TEXT ·amxValues(SB), NOSPLIT, $0-56")
	t.args("acc R10", "stride CX", "w SI", "v -", "n -", "queries -", "mem AX")
	t.line("\tLDTILECFG_AX")
	t.op("MOVQ", fmt.Sprintf("$%d", weightStride), "BX")
	t.op("MOVQ", "$64", "R8")
	t.line("\nqueries:")
	t.op("LEAQ", "64(SI)", "DI")
	t.line("\tTILELOAD_A0")
	t.line("\tTILELOAD_A1")
	t.op("MOVQ", "v+24(FP)", "DX")
	t.op("MOVQ", "n+32(FP)", "R11")
	t.op("MOVQ", "R11", "R9")
	t.op("SHLQ", "$11", "R9")
	t.op("ADDQ", "DX", "R9")
	t.op("MOVQ", "R10", "AX")
	t.op("SUBQ", "$2", "R11")
	t.line("\tJLT rest")
	t.line("\nfour:")
	t.valueTiles(4)
	t.op("SUBQ", "$2", "R11")
	t.line("\tJGE four\n")
	t.line("rest:")
	t.op("CMPQ", "R11", "$-1")
	t.line("\tJNE next")
	t.valueTiles(2)
	t.line("\nnext:")
	t.op("ADDQ", fmt.Sprintf("$%d", 16*weightStride), "SI")
	t.op("MOVQ", "CX", "R11")
	t.op("SHLQ", "$4", "R11")
	t.op("ADDQ", "R11", "R10")
	t.op("DECQ", "queries+40(FP)")
	t.line("\tJNZ queries")
	t.line("\tTILERELEASE")
	t.line("\tRET\n")
}

// valueTiles writes the products for n tiles of 16 dimensions.
func (t *tier) valueTiles(n int) {
	for i := range n {
		t.line("\tTILELOAD%d", i)
		t.op("ADDQ", "$64", "AX")
	}
	for i := range n {
		t.line("\tTILELOAD_V0")
		t.line("\tTDPBF16PS_%d_4_6", i)
		t.op("ADDQ", fmt.Sprintf("$%d", tileBytes), "DX")
	}
	for i := range n {
		t.line("\tTILELOAD_V1")
		t.line("\tTDPBF16PS_%d_5_7", i)
		t.op("ADDQ", fmt.Sprintf("$%d", tileBytes), "R9")
	}
	t.op("SUBQ", fmt.Sprintf("$%d", 64*n), "AX")
	for i := range n {
		t.line("\tTILESTORE%d", i)
		t.op("ADDQ", "$64", "AX")
	}
}
