package main

import (
	"fmt"
	"math"
)

// poly holds the coefficients of (e^r - 1 - r) / r^2 for |r| <= ln(2)/2, from
// the highest power down, as in the Cephes library's expf.
var poly = []float32{
	1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3,
	4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
}

// tables writes the constants, each in every lane.
func (t *tier) tables() {
	float := func(name string, v float32) { t.table(name, math.Float32bits(v)) }
	float("negInf", float32(math.Inf(-1)))
	float("expHi", 89)   // e^89 is infinite
	float("expLo", -105) // e^-105 is zero
	float("log2e", math.Log2E)
	float("ln2hi", 0.693359375) // 9 bits: its product with an exponent is exact
	float("ln2lo", -2.12194440e-4)
	for i, c := range poly {
		float(fmt.Sprintf("poly%d", i), c)
	}
	float("one", 1)
	t.table("signs", 1<<31)
	t.table("ints1", 1)
	t.table("ints0x40", 0x40)
	t.table("ints0x7FFF", 0x7FFF)
	if t.w == 8 {
		t.table("ints127", 127)
		return
	}
	for i, lane := range []int{0, 2, 4, 6, 1, 3, 5, 7} {
		t.line("DATA evenPairs<>+%d(SB)/8, $%d", 8*i, lane)
	}
	t.line("GLOBL evenPairs<>(SB), RODATA|NOPTR, $64\n")
}

func (t *tier) table(name string, bits uint32) {
	for i := range t.w {
		t.line("DATA %s<>+%d(SB)/4, $0x%08X", name, 4*i, bits)
	}
	t.line("GLOBL %s<>(SB), RODATA|NOPTR, $%d\n", name, 4*t.w)
}

// exponentials writes the functions around e^x.
func (t *tier) exponentials() {
	t.fn("expSub", []string{"dst", "x"}, "m", "float64", func(ret string) {
		t.expInit()
		t.op(t.bits("VPXOR"), "v11", "v11", "v11")
		t.op(t.bits("VPXOR"), "v12", "v12", "v12")
		t.each(func() {
			t.op("VMOVUPS", t.at("SI", 4, 0), "v0")
			t.op("VSUBPS", "v15", "v0", "v0")
			t.exp()
			t.op("VMOVUPS", "v0", t.at("DI", 4, 0))
			t.upper("v0", "h1")
			t.op("VCVTPS2PD", "h0", "v0")
			t.op("VCVTPS2PD", "h1", "v1")
			t.op("VADDPD", "v0", "v11", "v11")
			t.op("VADDPD", "v1", "v12", "v12")
		})
		t.op("VADDPD", "v12", "v11", "v0")
		t.fold("VADDPD")
		t.op("VMOVSD", "X0", ret)
	})
	t.fn("sigmoid", []string{"dst", "x"}, "", "", func(string) {
		t.expInit()
		t.each(func() {
			t.op("VMOVUPS", t.at("SI", 4, 0), "v0")
			t.onePlusExpNeg()
			t.op("VDIVPS", "v0", "v12", "v0")
			t.op("VMOVUPS", "v0", t.at("DI", 4, 0))
		})
	})
	t.fn("swiglu", []string{"dst", "gate", "up"}, "", "", func(string) {
		t.expInit()
		t.each(func() {
			t.op("VMOVUPS", t.at("SI", 4, 0), "v5")
			t.op("VMOVUPS", "v5", "v0")
			t.onePlusExpNeg()
			t.op("VDIVPS", "v0", "v5", "v0")
			t.op("VMULPS", t.at("DX", 4, 0), "v0", "v0")
			t.op("VMOVUPS", "v0", t.at("DI", 4, 0))
		})
	})
}

// expInit loads what exp wants in registers.
func (t *tier) expInit() {
	t.op("VMOVUPS", "expHi<>(SB)", "v14")
	t.op("VMOVUPS", "expLo<>(SB)", "v13")
	t.op("VMOVUPS", "one<>(SB)", "v12")
}

// onePlusExpNeg sets v0 to 1 + e^-v0.
func (t *tier) onePlusExpNeg() {
	t.op("VXORPS", "signs<>(SB)", "v0", "v0")
	t.exp()
	t.op("VADDPS", "v12", "v0", "v0")
}

// exp sets v0 to e^v0, using v1, v2, v3: e^x = 2^k * e^r with k the integer
// nearest to x*log2(e). A NaN passes the clamps because it is their first
// operand, and then everything else.
func (t *tier) exp() {
	t.op("VMINPS", "v0", "v14", "v0")
	t.op("VMAXPS", "v0", "v13", "v0")
	t.op("VMULPS", "log2e<>(SB)", "v0", "v1")
	if t.w == 16 {
		t.op("VRNDSCALEPS", "$8", "v1", "v1")
	} else {
		t.op("VROUNDPS", "$8", "v1", "v1")
	}
	t.op("VFNMADD231PS", "ln2hi<>(SB)", "v1", "v0")
	t.op("VFNMADD231PS", "ln2lo<>(SB)", "v1", "v0")
	t.op("VMOVUPS", "poly0<>(SB)", "v2")
	for i := 1; i < len(poly); i++ {
		t.op("VFMADD213PS", fmt.Sprintf("poly%d<>(SB)", i), "v0", "v2")
	}
	t.op("VMULPS", "v0", "v0", "v3")
	t.op("VFMADD213PS", "v0", "v3", "v2")
	t.op("VADDPS", "one<>(SB)", "v2", "v2")
	if t.w == 16 {
		t.op("VSCALEFPS", "v1", "v2", "v0")
		return
	}
	// 2^k in two factors, because neither 2^128 nor 2^-150 is a normal number.
	t.op("VCVTPS2DQ", "v1", "v1")
	t.op("VPSRAD", "$1", "v1", "v3")
	t.op("VPSUBD", "v3", "v1", "v1")
	for _, v := range []string{"v1", "v3"} {
		t.op("VPADDD", "ints127<>(SB)", v, v)
		t.op("VPSLLD", "$23", v, v)
		t.op("VMULPS", v, "v2", "v2")
	}
	t.op("VMOVUPS", "v2", "v0")
}
