package main

import (
	"fmt"
	"math"
)

// weigh turns a block's scores into weights for many queries at a time: three
// loops, so that the horizontal maxima and sums of different queries overlap.
//
//  1. top[i] = the larger of m[i] and the largest score
//  2. shrink[i] = e^(m[i]-top[i]), l[i] *= shrink[i], m[i] = top[i]; 16 queries
//     at a time
//  3. weights = e^(score-m[i]), and their sum is added to l[i]
//
// The weights replace the scores or, for bf16, go to w, 64 for each query.

// poly holds the coefficients of (e^r - 1 - r) / r^2 for |r| <= ln(2)/2, from
// the highest power down, as in the Cephes library's expf and package vec.
var poly = []float32{
	1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3,
	4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
}

// Registers of constants.
const (
	expHi = 20 + iota
	expLo
	log2e
	ln2hi
	ln2lo
	one
	poly0 // and 5 more
)

func (t *tier) weighConstants() {
	scalar := func(name string, x float32) {
		t.line("DATA %s<>+0(SB)/4, $0x%08X", name, math.Float32bits(x))
		t.line("GLOBL %s<>(SB), RODATA|NOPTR, $4\n", name)
	}
	scalar("expHi", 89)   // e^89 is infinite
	scalar("expLo", -105) // e^-105 is zero
	scalar("log2e", math.Log2E)
	scalar("ln2hi", 0.693359375) // 9 bits: its product with an exponent is exact
	scalar("ln2lo", -2.12194440e-4)
	scalar("expOne", 1)
	for i, c := range poly {
		scalar(fmt.Sprintf("poly%d", i), c)
	}
}

// weigh writes the function; bf16 tells the two kinds apart.
func (t *tier) weigh(name string, bf16 bool) {
	t.line("// func %s(x *float32, w *uint16, m, l, top, shrink *float32, n int)", name)
	t.line("TEXT ·%s(SB), NOSPLIT, $0-56", name)
	t.args("x SI", "w DI", "m R8", "l R9", "top R10", "shrink R11", "n CX")
	t.weighLoad()
	t.weighTops()
	t.weighShrink()
	t.weighSums(bf16)
	t.line("\tVZEROUPPER")
	t.line("\tRET\n")
}

// weighLoad loads the constants.
func (t *tier) weighLoad() {
	names := []string{"expHi", "expLo", "log2e", "ln2hi", "ln2lo", "expOne"}
	for i := range poly {
		names = append(names, fmt.Sprintf("poly%d", i))
	}
	for i, name := range names {
		t.op("VBROADCASTSS", name+"<>(SB)", v(expHi+i))
	}
}

func (t *tier) weighTops() {
	t.op("MOVQ", "SI", "AX")
	t.op("XORQ", "DX", "DX")
	t.line("\ntops:")
	for j := range 4 {
		t.op("VMOVUPS", fmt.Sprintf("%d(AX)", 64*j), v(j))
	}
	t.op("VMAXPS", "v0", "v1", "v0")
	t.op("VMAXPS", "v2", "v3", "v2")
	t.op("VMAXPS", "v0", "v2", "v0")
	t.foldLanes("VMAXPS", "VMAXSS")
	t.op("VMAXSS", "(R8)(DX*4)", "X0", "X0")
	t.op("VMOVSS", "X0", "(R10)(DX*4)")
	t.op("ADDQ", fmt.Sprintf("$%d", scoreStride), "AX")
	t.op("INCQ", "DX")
	t.op("CMPQ", "DX", "CX")
	t.line("\tJLT  tops")
}

// foldLanes combines the 16 lanes of v0 in its first.
func (t *tier) foldLanes(op, last string) {
	t.op("VEXTRACTF64X4", "$1", "Z0", "Y1")
	t.op(op, "Y1", "Y0", "Y0")
	t.op("VEXTRACTF128", "$1", "Y0", "X1")
	t.op(op, "X1", "X0", "X0")
	t.op("VPERMILPD", "$1", "X0", "X1")
	t.op(op, "X1", "X0", "X0")
	t.op("VMOVSHDUP", "X0", "X1")
	t.op(last, "X1", "X0", "X0")
}

func (t *tier) weighShrink() {
	t.op("XORQ", "DX", "DX")
	t.line("\nshrink:")
	t.op("MOVQ", "CX", "AX")
	t.op("SUBQ", "DX", "AX")
	t.op("MOVL", "$-1", "BX")
	t.op("BZHIL", "AX", "BX", "BX")
	t.op("KMOVW", "BX", "K1") // as many lanes as queries are left
	t.op("VMOVUPS.Z", "(R8)(DX*4)", "K1", "v0")
	t.op("VMOVUPS.Z", "(R10)(DX*4)", "K1", "v16")
	t.op("VMOVUPS.Z", "(R9)(DX*4)", "K1", "v17")
	t.op("VSUBPS", "v16", "v0", "v0")
	t.exps(1)
	t.op("VMULPS", "v0", "v17", "v17")
	t.op("VMOVUPS", "v0", "K1", "(R11)(DX*4)")
	t.op("VMOVUPS", "v17", "K1", "(R9)(DX*4)")
	t.op("VMOVUPS", "v16", "K1", "(R8)(DX*4)")
	t.op("ADDQ", "$16", "DX")
	t.op("CMPQ", "DX", "CX")
	t.line("\tJLT  shrink")
}

func (t *tier) weighSums(bf16 bool) {
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
	t.exps(4)
	if bf16 {
		t.narrow(1, 0, 4)
		t.narrow(3, 2, 5)
		t.op("VMOVUPS", "v4", "(DI)")
		t.op("VMOVUPS", "v5", "64(DI)")
		t.op("ADDQ", fmt.Sprintf("$%d", weightStride), "DI")
	} else {
		for j := range 4 {
			t.op("VMOVUPS", v(j), fmt.Sprintf("%d(AX)", 64*j))
		}
	}
	t.op("VADDPS", "v1", "v0", "v0")
	t.op("VADDPS", "v3", "v2", "v2")
	t.op("VADDPS", "v2", "v0", "v0")
	t.foldLanes("VADDPS", "VADDSS")
	t.op("VADDSS", "(R9)(DX*4)", "X0", "X0")
	t.op("VMOVSS", "X0", "(R9)(DX*4)")
	t.op("ADDQ", fmt.Sprintf("$%d", scoreStride), "AX")
	t.op("INCQ", "DX")
	t.op("CMPQ", "DX", "CX")
	t.line("\tJLT  sums")
}

// narrow writes VCVTNE2PS2BF16: dst becomes low's and then high's 16 numbers,
// rounded to nearest even. EVEX.512.F2.0F38.W0 72 /r.
func (t *tier) narrow(high, low, dst int) { t.evex(3, 0x72, "VCVTNE2PS2BF16", high, low, dst) }

// exps sets v0 to v(n-1) to their exponentials, using as many registers from v4
// and from v8 on: e^x = 2^k * e^r with k the integer nearest to x*log2(e). A NaN
// passes the clamps because it is their first operand, and then everything else.
func (t *tier) exps(n int) { t.expsOf(n, 0) }

// expsOf is exps without the polynomial's first few coefficients.
func (t *tier) expsOf(n, without int) {
	each := func(f func(x, k, p int)) {
		for j := range n {
			f(j, 4+j, 8+j)
		}
	}
	each(func(x, _, _ int) { t.op("VMINPS", v(x), v(expHi), v(x)) })
	each(func(x, _, _ int) { t.op("VMAXPS", v(x), v(expLo), v(x)) })
	each(func(x, k, _ int) { t.op("VMULPS", v(log2e), v(x), v(k)) })
	each(func(_, k, _ int) { t.op("VRNDSCALEPS", "$8", v(k), v(k)) })
	each(func(x, k, _ int) { t.op("VFNMADD231PS", v(ln2hi), v(k), v(x)) })
	each(func(x, k, _ int) { t.op("VFNMADD231PS", v(ln2lo), v(k), v(x)) })
	each(func(_, _, p int) { t.op("VMOVAPS", v(poly0+without), v(p)) })
	for i := 1 + without; i < len(poly); i++ {
		each(func(x, _, p int) { t.op("VFMADD213PS", v(poly0+i), v(x), v(p)) })
	}
	// e^r = 1 + r + r^2 * p
	each(func(x, _, p int) { t.op("VMULPS", v(x), v(p), v(p)) })
	each(func(x, _, p int) { t.op("VFMADD213PS", v(x), v(x), v(p)) })
	each(func(_, _, p int) { t.op("VADDPS", v(one), v(p), v(p)) })
	each(func(x, k, p int) { t.op("VSCALEFPS", v(k), v(p), v(x)) })
}
