package main

import "fmt"

// The bodies for AVX512-BF16 multiply pairs of bf16 numbers and add both products
// to a float32: VDPBF16PS. For scores a pair is two dimensions that follow each
// other, so that queries and rows are taken as they are. For values it is the same
// dimension of two rows, an even one and the one after it, which have to be
// interleaved first. That leaves the dimensions of a vector of 32 in an order of
// its own (see unpermute in the package), the same for all accumulators.

// weightStride is the distance in bytes between the weights of two queries; it
// must agree with the package's Step, times 2.
const weightStride = 128

func (t *tier) bf16Source() {
	t.weighConstants()
	t.weigh("weighDot", true)
	for _, nq := range []int{1, 2, 4} {
		t.dotScores(nq)
	}
	for _, nq := range []int{1, 2, 4, 8} {
		t.dotValues(nq)
	}
}

// fetch writes the prefetch of as many lines as lines says,
// from register from on, which advances. It uses register count. To the second
// level only: the first is too small for two blocks.
func (t *tier) fetch(label, from, lines, count string) {
	t.op("MOVQ", lines, count)
	t.op("TESTQ", count, count)
	t.line("\tJZ   fetched%s", label)
	t.line("\nfetch%s:", label)
	t.op("PREFETCHT1", "("+from+")")
	t.op("ADDQ", "$64", from)
	t.op("DECQ", count)
	t.line("\tJNZ fetch%s", label)
	t.line("\nfetched%s:", label)
}

// dp writes VDPBF16PS acc += a*b. EVEX.512.F3.0F38.W0 52 /r.
func (t *tier) dp(a, b, acc int) { t.evex(2, 0x52, "VDPBF16PS", a, b, acc) }

// evex writes the bytes of an instruction of three 512-bit registers in the map
// 0F38, which Go's assembler lacks; pp is the code of its prefix.
func (t *tier) evex(pp, opcode int, name string, a, b, dst int) {
	inv := func(x, bit int) int { return (x>>bit&1 ^ 1) }
	p0 := inv(dst, 3)<<7 | inv(b, 4)<<6 | inv(b, 3)<<5 | inv(dst, 4)<<4 | 2
	p1 := (a&15^15)<<3 | 1<<2 | pp
	p2 := 2<<5 | inv(a, 4)<<3
	modrm := 3<<6 | dst&7<<3 | b&7
	t.line("\tLONG $0x%02x%02x%02x62; WORD $0x%02x%02x // %s Z%d, Z%d, Z%d", p2, p1, p0, modrm, opcode, name, b, a, dst)
}

// dotScores writes the dot products of nq queries with rows, four at a time, as
// scores does.
func (t *tier) dotScores(nq int) {
	const nk = 4
	t.line("// func scoresDotx%d(q *uint16, k unsafe.Pointer, out *float32, dk, stride, rows int, from uintptr, lines int)", nq)
	t.line("TEXT ·scoresDotx%d(SB), NOSPLIT, $0-64", nq)
	t.op("MOVQ", "k+8(FP)", "SI")
	t.op("MOVQ", "out+16(FP)", "DX")
	t.op("MOVQ", "stride+32(FP)", "BX")
	t.op("MOVQ", "rows+40(FP)", "CX")
	t.line("\nrows:")
	t.op("MOVQ", "from+48(FP)", "R8")
	t.fetch("", "R8", "lines+56(FP)", "R9")
	t.op("MOVQ", "R8", "from+48(FP)")
	rowPtr := []string{"R8", "R9", "R10", "R11"}
	t.op("MOVQ", "SI", rowPtr[0])
	for r := 1; r < nk; r++ {
		t.op("LEAQ", fmt.Sprintf("(%s)(BX*1)", rowPtr[r-1]), rowPtr[r])
		t.op("CMPQ", "CX", fmt.Sprintf("$%d", r+1))
		t.op("CMOVQLT", rowPtr[r-1], rowPtr[r])
	}
	qPtr := []string{"DI", "R12", "R13", "R14"}[:nq]
	t.op("MOVQ", "q+0(FP)", qPtr[0])
	t.op("MOVQ", "dk+24(FP)", "AX")
	for i := 1; i < nq; i++ {
		t.op("LEAQ", fmt.Sprintf("(%s)(AX*2)", qPtr[i-1]), qPtr[i])
	}
	for i := range nq * nk {
		t.zero(i)
	}
	t.line("\ndims:")
	for r := range nk {
		t.op("VMOVDQU32", fmt.Sprintf("(%s)", rowPtr[r]), v(t.kReg(nq, nk, r)))
	}
	for i := range nq {
		t.op("VMOVDQU32", fmt.Sprintf("(%s)", qPtr[i]), v(t.qReg(nq, nk)))
		for r := range nk {
			t.dp(t.qReg(nq, nk), t.kReg(nq, nk, r), i*nk+r)
		}
	}
	for _, p := range append(rowPtr, qPtr...) {
		t.op("ADDQ", "$64", p)
	}
	t.op("SUBQ", "$32", "AX")
	t.line("\tJNZ dims\n")
	t.reduce(nq, nk)
	t.op("LEAQ", fmt.Sprintf("(SI)(BX*%d)", nk), "SI")
	t.op("ADDQ", fmt.Sprintf("$%d", 4*nk), "DX")
	t.op("SUBQ", fmt.Sprintf("$%d", nk), "CX")
	t.line("\tJGT rows")
	t.line("\tVZEROUPPER")
	t.line("\tRET\n")
}

// dotValues writes the weighted sums of rows for nq queries, in strips of some
// times 32 dimensions.
func (t *tier) dotValues(nq int) {
	t.line("// func valuesDotx%d(acc *float32, rows unsafe.Pointer, w *uint16, dv, accStride, stride, n int, from uintptr, lines int)", nq)
	t.line("TEXT ·valuesDotx%d(SB), NOSPLIT, $0-72", nq)
	t.args("acc DI", "rows SI", "w DX", "dv CX", "accStride AX", "stride BX", "n -", "from R12", "lines R14")
	t.op("LEAQ", "(AX)(AX*2)", "R8")
	for label, units := range map[int][]int{1: {4, 1}, 2: {4, 1}, 4: {2, 1}, 8: {1}}[nq] {
		t.dotStrip(nq, units, label)
	}
	t.line("\tVZEROUPPER")
	t.line("\tRET\n")
}

// dotStrip writes the loop over strips of units times 32 dimensions.
func (t *tier) dotStrip(nq, units, label int) {
	acc := func(i, j, half int) int { return (i*units+j)*2 + half }
	t.line("\nstrip%d:", label)
	t.op("CMPQ", "CX", fmt.Sprintf("$%d", 32*units))
	t.line("\tJLT next%d", label)
	each := func(f func(at string, reg int)) {
		t.op("MOVQ", "DI", "R9")
		for i := range nq {
			if i == 4 {
				t.op("LEAQ", "(DI)(AX*4)", "R9")
			}
			p := []string{"(R9)", "(R9)(AX*1)", "(R9)(AX*2)", "(R9)(R8*1)"}[i%4]
			for j := range 2 * units {
				f(fmt.Sprintf("%d%s", 64*j, p), acc(i, 0, 0)+j)
			}
		}
	}
	each(func(at string, reg int) { t.op("VMOVUPS", at, v(reg)) })
	t.op("MOVQ", "SI", "R9")
	t.op("MOVQ", "DX", "R10")
	t.op("MOVQ", "n+48(FP)", "R11")
	t.op("SUBQ", "$2", "R11")
	t.line("\tJLT last%d", label)
	t.line("\npairs%d:", label)
	weight := 2 * nq * units
	row, next, low, high := weight+nq, weight+nq+1, weight+nq+2, weight+nq+3
	update := func(single bool) {
		for i := range nq {
			t.op("VPBROADCASTD", fmt.Sprintf("%d(R10)", i*weightStride), v(weight+i))
		}
		if single {
			t.zero(next)
		}
		for j := range units {
			t.op("VMOVDQU32", fmt.Sprintf("%d(R9)", 64*j), v(row))
			if !single {
				t.op("VMOVDQU32", fmt.Sprintf("%d(R9)(BX*1)", 64*j), v(next))
			}
			t.op("VPUNPCKLWD", v(next), v(row), v(low))
			t.op("VPUNPCKHWD", v(next), v(row), v(high))
			for i := range nq {
				t.dp(low, weight+i, acc(i, j, 0))
				t.dp(high, weight+i, acc(i, j, 1))
			}
		}
	}
	t.fetch(fmt.Sprint(label), "R12", "R14", "R13")
	update(false)
	t.op("LEAQ", "(R9)(BX*2)", "R9")
	t.op("ADDQ", "$4", "R10")
	t.op("SUBQ", "$2", "R11")
	t.line("\tJGE pairs%d\n", label)
	t.line("last%d:", label)
	t.op("ADDQ", "$2", "R11")
	t.line("\tJZ  done%d", label)
	update(true)
	t.line("\ndone%d:", label)
	each(func(at string, reg int) { t.op("VMOVUPS", v(reg), at) })
	t.op("ADDQ", fmt.Sprintf("$%d", 128*units), "DI")
	t.op("ADDQ", fmt.Sprintf("$%d", 64*units), "SI")
	t.op("SUBQ", fmt.Sprintf("$%d", 32*units), "CX")
	t.line("\tJMP strip%d", label)
	t.line("\nnext%d:", label)
}
