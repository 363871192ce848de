package main

import "fmt"

// sums writes the functions that reduce a slice to a number.
func (t *tier) sums() {
	t.dot("dot", func(b, acc string, plus int) {
		t.op("VMOVUPS", t.at("SI", 4, plus), b)
		t.op("VFMADD231PS", t.at("DI", 4, plus), b, acc)
	})
	t.dot("dotF16", func(b, acc string, plus int) {
		t.op("VCVTPH2PS", t.at("SI", 2, plus), b)
		t.op("VFMADD231PS", t.at("DI", 4, plus), b, acc)
	})
	t.fn("maxOf", []string{"x"}, "", "float32", func(ret string) {
		t.op("VMOVUPS", "negInf<>(SB)", "v0")
		t.each(func() {
			// Of a NaN and a number, the instruction returns the operand
			// that Go writes first.
			t.op("VMOVUPS", t.at("DI", 4, 0), "v1")
			t.op("VMAXPS", "v0", "v1", "v0")
		})
		if t.w == 16 {
			t.op("VEXTRACTF64X4", "$1", "Z0", "Y1")
			t.op("VMAXPS", "Y1", "Y0", "Y0")
		}
		t.op("VEXTRACTF128", "$1", "Y0", "X1")
		t.op("VMAXPS", "X1", "X0", "X0")
		t.op("VPERMILPD", "$1", "X0", "X1")
		t.op("VMAXPS", "X1", "X0", "X0")
		t.op("VMOVSHDUP", "X0", "X1")
		t.op("VMAXSS", "X1", "X0", "X0")
		t.op("VMOVSS", "X0", ret)
	})
	t.fn("sumSquares", []string{"x"}, "", "float64", func(ret string) {
		t.op(t.bits("VPXOR"), "v0", "v0", "v0")
		t.op(t.bits("VPXOR"), "v2", "v2", "v2")
		t.each(func() {
			t.op("VCVTPS2PD", t.at("DI", 4, 0), "v1")
			t.op("VFMADD231PD", "v1", "v1", "v0")
			t.op("VCVTPS2PD", fmt.Sprintf("%d(DI)(AX*4)", 2*t.w), "v1")
			t.op("VFMADD231PD", "v1", "v1", "v2")
		})
		t.op("VADDPD", "v2", "v0", "v0")
		t.fold("VADDPD")
		t.op("VMOVSD", "X0", ret)
	})
}

// dot writes a sum of products with four accumulators: one would make each turn
// wait for the product before.
func (t *tier) dot(name string, product func(b, acc string, plus int)) {
	t.fn(name, []string{"a", "b"}, "", "float32", func(ret string) {
		for i := range 4 {
			v := fmt.Sprintf("v%d", i)
			t.op(t.bits("VPXOR"), v, v, v)
		}
		t.op("MOVQ", "CX", "BX")
		t.op("ANDQ", fmt.Sprintf("$~%d", 4*t.w-1), "BX")
		t.line("\tJZ   rest")
		t.line("\nfour:")
		for i := range 4 {
			product(fmt.Sprintf("v%d", 4+i), fmt.Sprintf("v%d", i), i)
		}
		t.op("ADDQ", fmt.Sprintf("$%d", 4*t.w), "AX")
		t.op("CMPQ", "AX", "BX")
		t.line("\tJL   four")
		t.line("\nrest:")
		t.op("CMPQ", "AX", "CX")
		t.line("\tJGE  done")
		product("v4", "v0", 0)
		t.op("ADDQ", fmt.Sprintf("$%d", t.w), "AX")
		t.line("\tJMP  rest")
		t.line("\ndone:")
		t.op("VADDPS", "v2", "v0", "v0")
		t.op("VADDPS", "v3", "v1", "v1")
		t.op("VADDPS", "v1", "v0", "v0")
		t.fold("VADDPS")
		t.op("VMOVSS", "X0", ret)
	})
}
