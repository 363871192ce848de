package main

// AMX multiplies tiles: TDPBSSD adds to 16x16 int32 sums the products of 16 rows
// of 64 int8 activations with 16 columns of 64 int8 weights, four of a column side
// by side. That is the order of the packed codes: sixteen vectors of 64 bytes are
// a tile of weights, once they are unpacked to signed bytes.
//
// The sums of a Q8K unit must be weighed with the integer scales of its blocks
// before they are added. Doing that to the sums would take longer than the
// products, so the scales go into the codes: code*scale, which has up to 15 bits,
// is split into 128*high + low, two tiles of bytes. 128 times the sums of the high
// tiles plus those of the low tiles is the same integer that the other kernels
// compute, so all bits of the results are the same.
//
// Unpacked unit of 256 columns (amxWide in amx_amd64.go):
//
//	   0  4 tiles of high bytes, 4 tiles of low bytes
//	8192  [16]float32 scale
//	8256  [16]float32 scale of the minimums
//	8320  8 x [16 rows][2]int16 pairs of minimums
//
// Unpacked unit of 32 columns (amxNarrow):
//
//	  0  half a tile: 8 vectors of codes
//	512  [16]float32 scale
//	576  [16]float32 minimum
const (
	amxWide   = 8832
	amxNarrow = 640
)

// An amxType says how the codes of a q8kType become signed: less bias, shifted
// right, for which the scale is multiplied by factor.
type amxType struct {
	bias, shift int
	factor      string
}

var amxTypes = map[string]amxType{
	"Q4_K": {}, "Q5_K": {}, "Q2_K": {},
	"Q6_K":   {128, 2, "four"},
	"Q3_K":   {128, 5, "thirtytwo"},
	"IQ4_XS": {bias: 128},
	"Wide16": {bias: 128},
	"Wide32": {bias: 128},
}

func amx(f *file) []entry {
	f.raw("#include \"encodings_amd64.h\"\n")
	for _, c := range []struct {
		name  string
		value uint32
	}{
		{"mask0F", 0x0f0f0f0f},
		{"maskF0", 0xf0f0f0f0},
		{"mask78", 0x78787878},
		{"mask10", 0x10101010},
		{"mask3C", 0x3c3c3c3c},
		{"maskC0", 0xc0c0c0c0},
		{"mask60", 0x60606060},
		{"mask80", 0x80808080},
		{"mask03", 0x03030303},
		{"low4", 0x0000000f},
		{"low16", 0x0000ffff},
		{"even8", 0x00ff00ff},
		{"bias", 0x00800080},
		{"round", 0x00400040},
		{"four", 0x40800000},
		{"thirtytwo", 0x42000000},
		{"subnormal", 1 << 22},
		{"sixteenth", 0x3d800000},
		{"eighth", 0x3e000000},
		{"half", 0x3f000000},
	} {
		constant(f, c.name, c.value)
	}
	table(f, "iq4nl", iq4nl)
	table(f, "fp4", fp4)
	f.raw("")
	var list []entry
	for _, t := range q8kTypes() {
		a, ok := amxTypes[t.name]
		if !ok {
			continue
		}
		amxUnpackWide(f, &t, a)
		list = append(list, entry{"amx", t.name, 0, "amxUnpack" + t.name})
	}
	for _, t := range q8Types {
		if t.half {
			continue
		}
		amxUnpackNarrow(f, &t)
		list = append(list, entry{"amx", t.name, 0, "amxUnpack" + t.name})
	}
	amxMulWide(f, "amxMulWide", 0, 0)
	amxMulWide(f, "amxMulWide4", 4, 352)
	amxMulWide(f, "amxMulWide8", 8, 320)
	amxMulNarrow(f, "amxMulNarrow", false)
	amxMulNarrow(f, "amxMulNarrowMin", true)
	return list
}

func amxUnpackStart(f *file, name string, set []string) {
	f.raw("// func amxUnpack%s(dst, src *byte, n int)", name)
	f.raw("TEXT ·amxUnpack%s(SB), NOSPLIT, $0-24", name)
	f.p("MOVQ dst+0(FP), DI")
	f.p("MOVQ src+8(FP), SI")
	f.p("MOVQ n+16(FP), CX")
	for _, s := range set {
		f.p("%s", s)
	}
}

func amxUnpackEnd(f *file, src, dst int) {
	f.p("ADDQ $%d, SI", src)
	f.p("ADDQ $%d, DI", dst)
	f.p("DECQ CX")
	f.p("JNE loop")
	f.p("VZEROUPPER")
	f.p("RET\n")
}

// amxUnpackWide writes the unpacker of a type of 256 columns. Z24 to Z31 are the
// registers of the type; Z16 to Z20 hold constants and the scales of a block.
func amxUnpackWide(f *file, t *q8kType, a amxType) {
	amxUnpackStart(f, t.name, t.set)
	for _, s := range []string{bcast("round", "Z16"), bcast("bias", "Z17"), bcast("even8", "Z18"), bcast("low16", "Z19")} {
		f.p("%s", s)
	}
	f.raw("loop:")
	for b := range 256 / t.block {
		t.scale(f, b)
		f.p("VPSLLD $16, Z26, Z20")
		f.p("VPANDD Z19, Z26, Z26")
		f.p("VPORD Z26, Z20, Z20 // the scale twice, as words")
		for q := range t.block / 4 {
			t.quad(f, b, q, "Z24")
			amxSplit(f, a, 64*(b*t.block/4+q))
		}
	}
	for _, s := range t.d {
		f.p("%s", s)
	}
	if a.factor != "" {
		f.p("VMULPS.BCST %s<>(SB), Z26, Z26", a.factor)
	}
	f.p("VMOVUPS Z26, 8192(DI)")
	if t.mins > 0 {
		for _, s := range t.dmin {
			f.p("%s", s)
		}
		f.p("VMOVUPS Z27, 8256(DI)")
		for p := range t.mins {
			t.minPair(f, p)
			f.p("VMOVDQU32 Z26, %d(DI)", 8320+64*p)
		}
	}
	amxUnpackEnd(f, t.bytes, amxWide)
}

// amxSplit multiplies the codes in Z24 with the scales in Z20 and stores the high
// and low bytes of the products at off.
func amxSplit(f *file, a amxType, off int) {
	f.p("VPANDD Z18, Z24, Z0 // even columns, as words")
	f.p("VPSRLW $8, Z24, Z1 // odd columns")
	for w := range 2 {
		if a.bias != 0 {
			f.p("VPSUBW Z17, Z%d, Z%d", w, w)
		}
		if a.shift != 0 {
			f.p("VPSRAW $%d, Z%d, Z%d", a.shift, w, w)
		}
		f.p("VPMULLW Z20, Z%d, Z%d", w, w)
		f.p("VPADDW Z16, Z%d, Z%d", w, w+2)
		f.p("VPSRAW $7, Z%d, Z%d // high = (v+64)/128", w+2, w+2)
		f.p("VPSLLW $7, Z%d, Z%d", w+2, w+4)
		f.p("VPSUBW Z%d, Z%d, Z%d // low", w+4, w, w)
	}
	for _, r := range [2]int{2, 0} { // even word, odd word in the next register
		f.p("VPANDD Z18, Z%d, Z%d", r, r)
		f.p("VPSLLW $8, Z%d, Z%d", r+1, r+1)
		f.p("VPORD Z%d, Z%d, Z%d", r+1, r, r)
	}
	f.p("VMOVDQU32 Z2, %d(DI)", off)
	f.p("VMOVDQU32 Z0, %d(DI)", off+4096)
}

// amxUnpackNarrow writes the unpacker of a type of 32 columns.
func amxUnpackNarrow(f *file, t *q8Type) {
	amxUnpackStart(f, t.name, t.set)
	f.p("%s", bcast("mask80", "Z20"))
	f.raw("loop:")
	for q := range 8 {
		t.quad(f, q, "Z24")
		if t.min == nil {
			f.p("VPXORD Z20, Z24, Z24 // less 128")
		}
		f.p("VMOVDQU32 Z24, %d(DI)", 64*q)
	}
	for _, s := range t.scale {
		f.p("%s", s)
	}
	f.p("VMOVUPS Z26, 512(DI)")
	if t.min != nil {
		for _, s := range t.min {
			f.p("%s", s)
		}
		f.p("VMOVUPS Z27, 576(DI)")
	}
	amxUnpackEnd(f, t.bytes, amxNarrow)
}

// amxMulStart writes the head of a kernel for blocks of 32 rows of activations. To
// configure tiles takes as long as a dozen products, so it is done once for all.
//
//	AX  the tiles' configuration, then where their sums are stored
//	BX  bytes between rows of activations
//	CX  64: bytes between rows of weights and of stored sums
//	SI, DI    activations: rows 0 and 16 of the next tile
//	DX, R9    weights: the next tiles
//	R8  where sums are stored      R10 row of activations
//	R11 rows left                  R12, R13 sums in float32
//	R14 units left
func amxMulStart(f *file, name string) {
	f.raw("// func %s(w *byte, n int, x *byte, stride int, out *float32, tiles *byte, more, blocks int)", name)
	f.raw("TEXT ·%s(SB), NOSPLIT, $0-64", name)
	f.p("MOVQ tiles+40(FP), AX")
	f.p("LDTILECFG_AX")
	f.p("LEAQ 64(AX), R8")
	f.p("MOVQ stride+24(FP), BX")
	f.p("MOVQ out+32(FP), R13")
	f.p("MOVQ $64, CX")
	f.raw("block:")
	f.p("MOVQ w+0(FP), DX")
	f.p("MOVQ n+8(FP), R14")
	f.p("MOVQ x+16(FP), SI")
	f.p("CMPQ more+48(FP), $0")
	f.p("JNE loop")
	f.p("VPXORD Z0, Z0, Z0")
	for r := range 32 {
		f.p("VMOVUPS Z0, %d(R13)", 64*r)
	}
	f.raw("loop:")
}

// amxStores stores tiles 0 to n-1 one after the other.
func amxStores(f *file, n int) {
	f.p("MOVQ R8, AX")
	for t := range n {
		f.p("TILESTORE%d", t)
		f.p("ADDQ $1024, AX")
	}
}

// amxMulWide writes the kernel for units of 256 columns, with mins pairs of
// minimums that meet the sums of activations at sums.
func amxMulWide(f *file, name string, mins, sums int) {
	amxMulStart(f, name)
	for t := range 4 {
		f.p("TILEZERO%d", t)
	}
	f.p("MOVQ SI, R10")
	f.p("MOVQ BX, DI")
	f.p("SHLQ $4, DI")
	f.p("ADDQ SI, DI")
	f.p("LEAQ 4096(DX), R9")
	for range 4 {
		for _, s := range []string{
			"TILELOAD_A0", "TILELOAD_B0", "TDPBSSD_0_4_6", "TILELOAD_B1", "TDPBSSD_1_4_7",
			"TILELOAD_A1", "TDPBSSD_2_5_6", "TDPBSSD_3_5_7",
			"ADDQ $64, SI", "ADDQ $64, DI", "ADDQ $1024, DX", "ADDQ $1024, R9",
		} {
			f.p("%s", s)
		}
	}
	amxStores(f, 4)
	// DX is at the low tiles: the scales are 4096 bytes on.
	f.p("VMOVUPS 4096(DX), Z26")
	if mins > 0 {
		f.p("VMOVUPS 4160(DX), Z27")
	}
	for p := range mins {
		f.p("VMOVDQU32 %d(DX), Z%d", 4224+64*p, 16+p)
	}
	f.p("MOVQ R8, AX")
	f.p("MOVQ R13, R12")
	f.p("MOVQ $32, R11")
	f.raw("rows:")
	f.p("VPSLLD $7, (AX), Z0")
	f.p("VPADDD 1024(AX), Z0, Z0")
	f.p("VCVTDQ2PS Z0, Z0")
	f.p("VMULPS.BCST 368(R10), Z26, Z25")
	f.p("VMULPS Z25, Z0, Z0")
	f.p("VADDPS (R12), Z0, Z0")
	if mins > 0 {
		f.p("VPXORD Z1, Z1, Z1")
		for p := range mins {
			f.p("VPDPWSSD.BCST %d(R10), Z%d, Z1", sums+4*p, 16+p)
		}
		f.p("VCVTDQ2PS Z1, Z1")
		f.p("VMULPS.BCST 368(R10), Z27, Z25")
		f.p("VMULPS Z25, Z1, Z1")
		f.p("VSUBPS Z1, Z0, Z0")
	}
	f.p("VMOVUPS Z0, (R12)")
	amxNextRow(f, "wide", 1024)
	f.p("ADDQ $128, SI // the rest of the unit of activations")
	f.p("ADDQ $%d, DX", amxWide-4096)
	amxMulEnd(f)
}

// amxNextRow steps to the next row and closes the loop; behind the 16th row lie
// skip bytes of other sums.
func amxNextRow(f *file, label string, skip int) {
	f.p("ADDQ $64, AX")
	f.p("ADDQ $64, R12")
	f.p("ADDQ BX, R10")
	f.p("CMPQ R11, $17")
	f.p("JNE %sNext", label)
	f.p("ADDQ $%d, AX", skip)
	f.raw("%sNext:", label)
	f.p("DECQ R11")
	f.p("JNE rows")
}

func amxMulEnd(f *file) {
	f.p("DECQ R14")
	f.p("JNE loop")
	f.p("MOVQ BX, SI")
	f.p("SHLQ $5, SI")
	f.p("ADDQ SI, x+16(FP)")
	f.p("ADDQ $2048, R13")
	f.p("DECQ blocks+56(FP)")
	f.p("JNE block")
	f.p("TILERELEASE")
	f.p("VZEROUPPER")
	f.p("RET\n")
}

// amxMulNarrow writes the kernel for units of 32 columns: the tiles are halves,
// and every unit has its own sums.
func amxMulNarrow(f *file, name string, min bool) {
	amxMulStart(f, name)
	f.p("TILEZERO0")
	f.p("TILEZERO2")
	f.p("MOVQ SI, R10")
	f.p("MOVQ BX, DI")
	f.p("SHLQ $4, DI")
	f.p("ADDQ SI, DI")
	for _, s := range []string{
		"TILELOAD_A0", "TILELOAD_B0", "TDPBSSD_0_4_6", "TILELOAD_A1", "TDPBSSD_2_5_6",
		"MOVQ R8, AX", "TILESTORE0", "ADDQ $1024, AX", "TILESTORE2",
		"VMOVUPS 512(DX), Z26",
	} {
		f.p("%s", s)
	}
	if min {
		f.p("VMOVUPS 576(DX), Z27")
	}
	f.p("MOVQ R8, AX")
	f.p("MOVQ R13, R12")
	f.p("MOVQ $32, R11")
	f.raw("rows:")
	f.p("VCVTDQ2PS (AX), Z0")
	f.p("VMULPS.BCST 32(R10), Z26, Z25")
	f.p("VMULPS Z25, Z0, Z0")
	f.p("VADDPS (R12), Z0, Z0")
	if min {
		f.p("VMULPS.BCST 36(R10), Z27, Z25")
		f.p("VADDPS Z25, Z0, Z0")
	}
	f.p("VMOVUPS Z0, (R12)")
	f.p("ADDQ $64, AX")
	f.p("ADDQ $64, R12")
	f.p("ADDQ BX, R10")
	f.p("DECQ R11")
	f.p("JNE rows")
	f.p("ADDQ $48, SI")
	f.p("ADDQ $%d, DX", amxNarrow)
	amxMulEnd(f)
}
