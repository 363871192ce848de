package main

import "fmt"

// scores writes the dot products of nq queries with rows. Accumulator i*nk+r is
// query i with row r.
//
// Behind the last full group of nk rows the pointers of missing rows stay at
// the last one: its score is computed again and stored behind the others, where
// the caller has room.
func (t *tier) scores(e elem, nq int) {
	nk := 4
	if t.w == 8 && nq == 4 {
		nk = 2
	}
	t.line("// func scores%sx%d%s(q *float32, k unsafe.Pointer, out *float32, dk, stride, rows, ahead int)", e.name, nq, t.name)
	t.line("TEXT ·scores%sx%d%s(SB), NOSPLIT, $0-56", e.name, nq, t.name)
	t.op("MOVQ", "k+8(FP)", "SI")
	t.op("MOVQ", "out+16(FP)", "DX")
	t.op("MOVQ", "stride+32(FP)", "BX")
	t.op("MOVQ", "rows+40(FP)", "CX")
	t.line("\nrows:")
	rowPtr := []string{"R8", "R9", "R10", "R11"}[:nk]
	t.op("MOVQ", "SI", rowPtr[0])
	for r := 1; r < nk; r++ {
		t.op("LEAQ", fmt.Sprintf("(%s)(BX*1)", rowPtr[r-1]), rowPtr[r])
		t.op("CMPQ", "CX", fmt.Sprintf("$%d", r+1))
		t.op("CMOVQLT", rowPtr[r-1], rowPtr[r])
	}
	t.ahead(nk)
	qPtr := []string{"DI", "R12", "R13", "R14"}[:nq]
	t.op("MOVQ", "q+0(FP)", qPtr[0])
	t.op("MOVQ", "dk+24(FP)", "AX")
	for i := 1; i < nq; i++ {
		t.op("LEAQ", fmt.Sprintf("(%s)(AX*4)", qPtr[i-1]), qPtr[i])
	}
	for i := range nq * nk {
		t.zero(i)
	}
	// One turn takes what is a whole number of blocks and of vectors.
	per := 16 / t.w
	if e.size == 0 {
		per = e.block / t.w
	}
	kept := t.scaleReg(nq, nk, nk) < 2*t.w // there are registers for all scales
	t.line("\ndims:")
	for j := range per {
		for r := range nk {
			scale := t.scaleReg(nq, nk, 0)
			if kept {
				scale += r
			}
			t.load(e, rowPtr[r], j, t.kReg(nq, nk, r), scale, kept)
		}
		for i := range nq {
			q := v(t.qReg(nq, nk))
			t.op("VMOVUPS", fmt.Sprintf("%d(%s)", j*t.w*4, qPtr[i]), q)
			for r := range nk {
				t.op("VFMADD231PS", q, v(t.kReg(nq, nk, r)), v(i*nk+r))
			}
		}
	}
	for r := range nk {
		t.op("ADDQ", fmt.Sprintf("$%d", t.step(e, per)), rowPtr[r])
	}
	for i := range nq {
		t.op("ADDQ", fmt.Sprintf("$%d", per*t.w*4), qPtr[i])
	}
	t.op("SUBQ", fmt.Sprintf("$%d", per*t.w), "AX")
	t.line("\tJNZ dims\n")
	t.reduce(nq, nk)
	t.op("LEAQ", fmt.Sprintf("(SI)(BX*%d)", nk), "SI")
	t.op("ADDQ", fmt.Sprintf("$%d", 4*nk), "DX")
	t.op("SUBQ", fmt.Sprintf("$%d", nk), "CX")
	t.line("\tJGT rows")
	t.line("\tVZEROUPPER")
	t.line("\tRET\n")
}

// ahead writes the prefetch of what is ahead bytes behind a group of nk rows, for
// the product that comes next. To the second level only: the first is too small
// for two blocks.
func (t *tier) ahead(nk int) {
	t.op("MOVQ", "ahead+48(FP)", "AX")
	t.op("TESTQ", "AX", "AX")
	t.line("\tJZ   ready")
	t.op("ADDQ", "SI", "AX")
	t.op("LEAQ", fmt.Sprintf("(AX)(BX*%d)", nk), "R12")
	t.line("\nfetch:")
	t.op("PREFETCHT1", "(AX)")
	t.op("ADDQ", "$64", "AX")
	t.op("CMPQ", "AX", "R12")
	t.line("\tJLT fetch")
	t.line("\nready:")
}

func (t *tier) kReg(nq, nk, r int) int     { return nq*nk + r }
func (t *tier) qReg(nq, nk int) int        { return nq*nk + nk }
func (t *tier) scaleReg(nq, nk, r int) int { return nq*nk + nk + 1 + r }

// pairs writes v[dst] = unpack-low(a, b) + unpack-high(a, b), which adds
// elements 2 apart (single) or neighbouring pairs (double) of both.
func (t *tier) pairs(kind string, a, b, dst, tmp int) {
	t.op("VUNPCKH"+kind, v(b), v(a), v(tmp))
	t.op("VUNPCKL"+kind, v(b), v(a), v(dst))
	t.op("VADDPS", v(tmp), v(dst), v(dst))
}

// reduce adds the lanes of each accumulator and stores the sums. Within each
// 128 bits the order is (0+2)+(1+3); then lanes of 128 bits are added
// neighbours first.
func (t *tier) reduce(nq, nk int) {
	tmp := nq*nk + nk
	if nk == 2 { // AVX2, 4 queries
		for i := range 4 {
			t.pairs("PS", 2*i, 2*i+1, 2*i, tmp) // a02 b02 a13 b13
		}
		t.pairs("PD", 0, 2, 0, tmp) // q0: a b, q1: a b
		t.pairs("PD", 4, 6, 4, tmp)
		t.lanes2(0, 4, tmp)
		t.op("VEXTRACTF128", "$1", "Y0", "X1")
		t.op("VMOVLPS", "X0", "(DX)")
		t.op("VMOVHPS", "X0", fmt.Sprintf("%d(DX)", scoreStride))
		t.op("VMOVLPS", "X1", fmt.Sprintf("%d(DX)", 2*scoreStride))
		t.op("VMOVHPS", "X1", fmt.Sprintf("%d(DX)", 3*scoreStride))
		return
	}
	for i := range nq {
		t.pairs("PS", 4*i, 4*i+1, 4*i, tmp)
		t.pairs("PS", 4*i+2, 4*i+3, 4*i+2, tmp)
		t.pairs("PD", 4*i, 4*i+2, 4*i, tmp) // in each lane: a b c d
	}
	if t.w == 8 {
		t.reduceLanes8(nq, tmp)
		return
	}
	t.reduceLanes16(nq, tmp)
}

// lanes2 adds the two lanes of a and of b: a's sum comes to the lower lane of a,
// b's to the upper.
func (t *tier) lanes2(a, b, tmp int) {
	t.op("VPERM2F128", "$0x31", v(b), v(a), v(tmp))
	t.op("VPERM2F128", "$0x20", v(b), v(a), v(a))
	t.op("VADDPS", v(tmp), v(a), v(a))
}

func (t *tier) reduceLanes8(nq, tmp int) {
	if nq == 1 {
		t.lanes2(0, 0, tmp)
	} else {
		t.lanes2(0, 4, tmp)
		t.op("VEXTRACTF128", "$1", "Y0", fmt.Sprintf("%d(DX)", scoreStride))
	}
	t.op("VMOVUPS", "X0", "(DX)")
}

// lanes4 adds neighbouring lanes of a and of b: a's two sums come to the lower
// half of a, b's to the upper.
func (t *tier) lanes4(a, b, tmp int) {
	t.op("VSHUFF32X4", "$0xDD", v(b), v(a), v(tmp))
	t.op("VSHUFF32X4", "$0x88", v(b), v(a), v(a))
	t.op("VADDPS", v(tmp), v(a), v(a))
}

func (t *tier) reduceLanes16(nq, tmp int) {
	// Queries 2 and 3 double 0 and 1 where they do not exist.
	switch nq {
	case 1:
		t.lanes4(0, 0, tmp)
		t.lanes4(0, 0, tmp)
	case 2:
		t.lanes4(0, 4, tmp)
		t.lanes4(0, 0, tmp)
	case 4:
		t.lanes4(0, 4, tmp)
		t.lanes4(8, 12, tmp)
		t.lanes4(0, 8, tmp)
	}
	t.op("VMOVUPS", "X0", "(DX)")
	for i := 1; i < nq; i++ {
		t.op("VEXTRACTF32X4", fmt.Sprintf("$%d", i), "Z0", fmt.Sprintf("%d(DX)", i*scoreStride))
	}
}
