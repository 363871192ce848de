package main

import "fmt"

// elementwise writes the functions that treat each element alone.
func (t *tier) elementwise() {
	t.fn("axpy", []string{"dst", "x"}, "a", "", func(string) {
		t.each(func() {
			t.op("VMOVUPS", t.at("DI", 4, 0), "v0")
			t.op("VFMADD231PS", t.at("SI", 4, 0), "v15", "v0")
			t.op("VMOVUPS", "v0", t.at("DI", 4, 0))
		})
	})
	t.fn("axpyRelu", []string{"dst", "x"}, "a", "", func(string) {
		t.op("VCVTPS2PD", "h15", "v14")
		t.op(t.bits("VPXOR"), "v0", "v0", "v0")
		t.each(func() {
			// Of a NaN and a number, the instruction returns the operand
			// that Go writes first.
			t.op("VMOVUPS", t.at("SI", 4, 0), "v1")
			t.op("VMAXPS", "v0", "v1", "v1")
			t.upper("v1", "h2")
			t.op("VCVTPS2PD", "h1", "v1")
			t.op("VCVTPS2PD", "h2", "v2")
			t.op("VMOVUPD", "(DI)(AX*8)", "v3")
			t.op("VMOVUPD", fmt.Sprintf("%d(DI)(AX*8)", 4*t.w), "v4")
			t.op("VFMADD231PD", "v1", "v14", "v3")
			t.op("VFMADD231PD", "v2", "v14", "v4")
			t.op("VMOVUPD", "v3", "(DI)(AX*8)")
			t.op("VMOVUPD", "v4", fmt.Sprintf("%d(DI)(AX*8)", 4*t.w))
		})
	})
	for name, instruction := range ordered("add", "VADDPS", "mul", "VMULPS") {
		t.fn(name, []string{"dst", "x"}, "", "", func(string) {
			t.each(func() {
				t.op("VMOVUPS", t.at("DI", 4, 0), "v0")
				t.op(instruction, t.at("SI", 4, 0), "v0", "v0")
				t.op("VMOVUPS", "v0", t.at("DI", 4, 0))
			})
		})
	}
	t.fn("scaleTo", []string{"dst", "x"}, "a", "", func(string) {
		t.each(func() {
			t.op("VMULPS", t.at("SI", 4, 0), "v15", "v0")
			t.op("VMOVUPS", "v0", t.at("DI", 4, 0))
		})
	})
	t.fn("scaleMul", []string{"dst", "x", "w"}, "a", "", func(string) {
		t.each(func() {
			t.op("VMULPS", t.at("SI", 4, 0), "v15", "v0")
			t.op("VMULPS", t.at("DX", 4, 0), "v0", "v0")
			t.op("VMOVUPS", "v0", t.at("DI", 4, 0))
		})
	})
}

// ordered yields pairs in the order they are given.
func ordered(pairs ...string) func(yield func(a, b string) bool) {
	return func(yield func(a, b string) bool) {
		for i := 0; i < len(pairs); i += 2 {
			if !yield(pairs[i], pairs[i+1]) {
				return
			}
		}
	}
}

// rotations writes the two layouts of rotary positions.
func (t *tier) rotations() {
	t.fn("ropeNorm", []string{"x", "cs"}, "", "", func(string) {
		t.each(func() {
			t.op("VMOVUPS", t.at("DI", 4, 0), "v0")  // a b
			t.op("VMOVUPS", t.at("SI", 4, 0), "v1")  // c s
			t.op("VMOVSHDUP", "v1", "v2")            // s s
			t.op("VMOVSLDUP", "v1", "v1")            // c c
			t.op("VPERMILPS", "$0xB1", "v0", "v3")   // b a
			t.op("VMULPS", "v2", "v3", "v3")         // bs as
			t.op("VFMADDSUB213PS", "v3", "v1", "v0") // ac-bs bc+as
			t.op("VMOVUPS", "v0", t.at("DI", 4, 0))
		})
	})
	t.fn("ropeNeox", []string{"lo", "hi", "cs"}, "", "", func(string) {
		if t.w == 16 {
			t.op("VMOVDQU64", "evenPairs<>(SB)", "v7")
		}
		t.each(func() {
			t.op("VMOVUPS", t.at("DX", 8, 0), "v0")
			t.op("VMOVUPS", fmt.Sprintf("%d(DX)(AX*8)", 4*t.w), "v1")
			t.op("VSHUFPS", "$0x88", "v1", "v0", "v2") // cosines, out of order by pairs
			t.op("VSHUFPS", "$0xDD", "v1", "v0", "v3") // sines
			if t.w == 16 {
				t.op("VPERMQ", "v2", "v7", "v2")
				t.op("VPERMQ", "v3", "v7", "v3")
			} else {
				t.op("VPERMPD", "$0xD8", "v2", "v2")
				t.op("VPERMPD", "$0xD8", "v3", "v3")
			}
			t.op("VMOVUPS", t.at("DI", 4, 0), "v0") // a
			t.op("VMOVUPS", t.at("SI", 4, 0), "v1") // b
			t.op("VMULPS", "v3", "v1", "v4")
			t.op("VMULPS", "v2", "v1", "v1")
			t.op("VFMADD231PS", "v3", "v0", "v1") // bc + as
			t.op("VFMSUB213PS", "v4", "v2", "v0") // ac - bs
			t.op("VMOVUPS", "v0", t.at("DI", 4, 0))
			t.op("VMOVUPS", "v1", t.at("SI", 4, 0))
		})
	})
}

// conversions writes the changes of number format.
func (t *tier) conversions() {
	t.fn("f32ToF16", []string{"dst", "x"}, "", "", func(string) {
		t.each(func() {
			t.op("VMOVUPS", t.at("SI", 4, 0), "v0")
			t.op("VCVTPS2PH", "$0", "v0", "h0")
			t.op("VMOVUPS", "h0", t.at("DI", 2, 0))
		})
	})
	t.fn("f16ToF32", []string{"dst", "x"}, "", "", func(string) {
		t.each(func() {
			t.op("VCVTPH2PS", t.at("SI", 2, 0), "v0")
			t.op("VMOVUPS", "v0", t.at("DI", 4, 0))
		})
	})
	t.fn("f32ToBF16", []string{"dst", "x"}, "", "", func(string) {
		t.each(func() {
			t.op("VMOVUPS", t.at("SI", 4, 0), "v0")
			t.op("VPSRLD", "$16", "v0", "v2")
			t.op(t.bits("VPAND"), "ints1<>(SB)", "v2", "v1")
			t.op(t.bits("VPOR"), "ints0x40<>(SB)", "v2", "v2") // what a NaN becomes
			t.op("VPADDD", "ints0x7FFF<>(SB)", "v1", "v1")
			t.op("VPADDD", "v0", "v1", "v1")
			t.op("VPSRLD", "$16", "v1", "v1")
			if t.w == 16 {
				t.op("VCMPPS", "$3", "v0", "v0", "K1")
				t.op("VMOVDQA32", "v2", "K1", "v1")
				t.op("VPMOVDW", "v1", "h1")
				t.op("VMOVUPS", "h1", t.at("DI", 2, 0))
				return
			}
			t.op("VCMPPS", "$3", "v0", "v0", "v3")
			t.op("VBLENDVPS", "v3", "v2", "v1", "v1")
			t.op("VEXTRACTI128", "$1", "v1", "h2")
			t.op("VPACKUSDW", "h2", "h1", "h1")
			t.op("VMOVUPS", "h1", t.at("DI", 2, 0))
		})
	})
	t.fn("bf16ToF32", []string{"dst", "x"}, "", "", func(string) {
		t.each(func() {
			t.op("VPMOVZXWD", t.at("SI", 2, 0), "v0")
			t.op("VPSLLD", "$16", "v0", "v0")
			t.op("VMOVUPS", "v0", t.at("DI", 4, 0))
		})
	})
}
