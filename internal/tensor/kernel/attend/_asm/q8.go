package main

import (
	"fmt"
	"math"
)

// q8Rows writes the conversions of whole blocks.
func (t *tier) q8Rows() {
	t.q8Load()
	t.constants()
	t.q8Store()
}

func (t *tier) q8Load() {
	t.line("// func loadQ8%s(dst *float32, src unsafe.Pointer, blocks int)", t.name)
	t.line("TEXT ·loadQ8%s(SB), NOSPLIT, $0-24", t.name)
	t.op("MOVQ", "dst+0(FP)", "DI")
	t.op("MOVQ", "src+8(FP)", "SI")
	t.op("MOVQ", "blocks+16(FP)", "CX")
	t.line("\nloop:")
	for j := range q8.block / t.w {
		t.load(q8, "SI", j, 0, 1, true)
		t.op("VMOVUPS", "v0", fmt.Sprintf("%d(DI)", 4*t.w*j))
	}
	t.op("ADDQ", fmt.Sprintf("$%d", q8.bytes), "SI")
	t.op("ADDQ", fmt.Sprintf("$%d", 4*q8.block), "DI")
	t.op("DECQ", "CX")
	t.line("\tJNZ loop")
	t.line("\tVZEROUPPER")
	t.line("\tRET\n")
}

func (t *tier) constants() {
	table := func(name string, words ...uint32) {
		for i, w := range words {
			t.line("DATA %s<>+%d(SB)/4, $0x%08X", name, 4*i, w)
		}
		t.line("GLOBL %s<>(SB), RODATA|NOPTR, $%d\n", name, 4*len(words))
	}
	table("one", math.Float32bits(1))
	table("top", math.Float32bits(127))
	if t.w == 8 {
		table("interleave", 0, 4, 1, 5, 2, 6, 3, 7)
	}
}

// q8Store writes the quantisation of blocks, with storeBlock's exceptions. The
// largest magnitude is found among the numbers' bits without the sign, as
// integers, which order NaNs above infinity above all others.
func (t *tier) q8Store() {
	t.line("// func storeQ8%s(dst unsafe.Pointer, src *float32, blocks int)", t.name)
	t.line("TEXT ·storeQ8%s(SB), NOSPLIT, $0-24", t.name)
	t.op("MOVQ", "dst+0(FP)", "DI")
	t.op("MOVQ", "src+8(FP)", "SI")
	t.op("MOVQ", "blocks+16(FP)", "CX")
	if t.w == 16 {
		t.op("VPTERNLOGD", "$0xFF", "v7", "v7", "v7")
	} else {
		t.op("VPCMPEQD", "v7", "v7", "v7")
	}
	t.op("VPSRLD", "$1", "v7", "v7")
	t.line("\nloop:")
	t.q8Top()
	t.op("CMPL", "AX", "$0x7F800000")
	t.line("\tJCC  bad")
	t.op("VDIVSS", "top<>(SB)", "X4", "X4")
	t.op("VMOVD", "X4", "AX")
	t.op("CMPL", "AX", fmt.Sprintf("$0x%08X // 1e-38", math.Float32bits(1e-38)))
	t.line("\tJCS  tiny")
	t.op("MOVL", "AX", "(DI)")
	t.op("VMOVSS", "one<>(SB)", "X5")
	t.op("VDIVSS", "X4", "X5", "X5")
	t.op("VBROADCASTSS", "X5", "v5")
	t.q8Pack()
	t.line("\nnext:")
	t.op("ADDQ", fmt.Sprintf("$%d", q8.bytes), "DI")
	t.op("ADDQ", fmt.Sprintf("$%d", 4*q8.block), "SI")
	t.op("DECQ", "CX")
	t.line("\tJNZ loop")
	t.line("\tVZEROUPPER")
	t.line("\tRET")
	t.line("\nbad:")
	t.op("MOVL", "$0x7FC00000", "AX")
	t.line("\tJMP  empty")
	t.line("\ntiny:")
	t.op("XORL", "AX", "AX")
	t.line("\nempty:")
	t.op("MOVL", "AX", "(DI)")
	t.op("VPXOR", "Y0", "Y0", "Y0")
	t.op("VMOVDQU", "Y0", "4(DI)")
	t.line("\tJMP  next\n")
}

// q8Top loads a block into v0, v1, ... and sets AX and X4 to the bits of its
// largest magnitude.
func (t *tier) q8Top() {
	and := "VPAND"
	if t.w == 16 {
		and = "VPANDD"
	}
	for j := range q8.block / t.w {
		t.op("VMOVUPS", fmt.Sprintf("%d(SI)", 4*t.w*j), v(j))
	}
	t.op(and, "v7", "v0", "v4")
	for j := 1; j < q8.block/t.w; j++ {
		t.op(and, "v7", v(j), "v5")
		t.op("VPMAXUD", "v5", "v4", "v4")
	}
	if t.w == 16 {
		t.op("VEXTRACTI64X4", "$1", "Z4", "Y5")
		t.op("VPMAXUD", "Y5", "Y4", "Y4")
	}
	t.op("VEXTRACTI128", "$1", "Y4", "X5")
	t.op("VPMAXUD", "X5", "X4", "X4")
	for _, swap := range []string{"$0x4E", "$0xB1"} {
		t.op("VPSHUFD", swap, "X4", "X5")
		t.op("VPMAXUD", "X5", "X4", "X4")
	}
	t.op("VMOVD", "X4", "AX")
}

// q8Pack multiplies the block by v5, rounds to nearest even, and stores bytes.
func (t *tier) q8Pack() {
	for j := range q8.block / t.w {
		t.op("VMULPS", "v5", v(j), v(j))
		t.op("VCVTPS2DQ", v(j), v(j))
	}
	if t.w == 16 {
		t.op("VPMOVSDB", "Z0", "4(DI)")
		t.op("VPMOVSDB", "Z1", "20(DI)")
		return
	}
	t.op("VPACKSSDW", "Y1", "Y0", "Y0")
	t.op("VPACKSSDW", "Y3", "Y2", "Y2")
	t.op("VPACKSSWB", "Y2", "Y0", "Y0")
	t.op("VMOVDQU", "interleave<>(SB)", "Y1")
	t.op("VPERMD", "Y0", "Y1", "Y0")
	t.op("VMOVDQU", "Y0", "4(DI)")
}
