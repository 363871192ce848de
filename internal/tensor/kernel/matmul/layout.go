package matmul

import "github.com/holdfast-llm/holdfast/internal/tensor/quant"

// A layout says how one type is packed. All sizes are for a group of 16 rows.
//
// Bytes of a unit, in order. "f16 d" is 16 scales, one per row; "vec" is a
// vector of 64 bytes, the same quad of 16 rows:
//
//	Q4_0, IQ4_NL  f16 d; 4 vec: vec v holds quad v (low nibbles) and quad v+4 (high)
//	Q4_1          f16 d, f16 m; 4 vec as Q4_0
//	Q5_0          f16 d; vec of fifth bits: bit q of a byte belongs to quad q; 4 vec as Q4_0
//	Q5_1          f16 d, f16 m; fifth bits; 4 vec
//	Q8_0          f16 d; 8 vec of code+128
//	MXFP4         u8 exponent; 4 vec as Q4_0
//	Q4_K          f16 d, f16 dmin; u8 scale [8 blocks]; u8 min [4 pairs of blocks][16 rows][2];
//	              4 pairs x 8 vec: quad j of the even block (low) and of the odd block (high)
//	Q5_K          as Q4_K, with 8 vec of fifth bits before the codes: bit b of vec j is block b, quad j
//	Q6_K          f32 d/4; i8 scale [16 blocks]; 2 halves x 8 x 3 vec: low nibbles and high
//	              nibbles of quad j of blocks 0 and 2, of blocks 1 and 3, and bit pairs of all four
//	Q3_K          f32 d/32; i8 scale [16 blocks]; first half: 8 x 2 vec of third bits of all
//	              blocks and of bit pairs; second half: 8 vec of bit pairs
//	Q2_K          f16 d, f16 dmin; u8 scale and min nibbles [8 pairs of blocks][16 rows][2];
//	              2 halves x 8 vec of bit pairs
//	IQ4_XS        f32 d; i8 scale [8 blocks]; 8 blocks x 4 vec as Q4_0
//	TQ2_0         f16 d; 2 halves x 8 vec of bit pairs
//	TQ1_0         f16 d; 13 vec of bytes of five digits in base 3: quad j of five blocks of 32,
//	              quad j of five blocks of 16, and the last quads (of four digits)
//	NVFP4         u8 scale [2 halves]; 2 halves x 2 vec: quad v of the half (low), quad v+2 (high)
//	IQ1, 2, 3     see grid
//	F32, F16      2 columns of 16 values
//	BF16          [16 rows][2 columns]
//
// Kernels see the codes of Q6_K as 4*(code-32)+128 and those of Q3_K as
// 32*(code-4)+128, because that needs the fewest instructions: hence the divided
// scales. Powers of two change no bit of the results.
//
// Vectors lie in the order in which a decode kernel needs them. That is worth a
// factor of three when the weights come from memory: the processor's prefetchers
// follow a stream, and get lost when loads jump about in a unit.
//
// The pairing of nibbles and bits is that of the file's own blocks, so packing
// is a transposition of 32-bit words, plus decoding of the scales.
type layout struct {
	t     quant.Type
	kind  Kind
	cols  int // columns per unit
	bytes int // packed bytes per unit

	// pack converts one unit, or a step of them. src points to the first row's bytes of this unit;
	// rows are stride bytes apart and there are n of them.
	pack func(dst, src []byte, stride, n int)
	// unpack is the inverse: codes, scales and minimums in plain numbers.
	unpack func(u *unit, src []byte)
	// hasMin says that unpack sets minimums.
	hasMin bool
	// halves says that each unit of 32 columns has two scales: d for the first 16
	// columns, dm for the others.
	halves bool

	// grid describes a type whose codes are numbers of points, and wide the
	// layout that its units are expanded to where kernels cannot read them.
	grid *grid
	wide *layout

	// avx2, avxvnni, vnni, vbmi and bf16 are the kernels of the tiers; see kernels.
	avx2, avxvnni, vnni, vbmi, bf16 []tileKernel
	// arrange writes activations in the order that vbmi wants, arranged bytes a unit.
	arrange  expander
	arranged int
	// expandAMX unpacks units for the AMX kernels.
	expandAMX expander
	// expandAVX2 and expandVBMI are their expanders.
	expandAVX2, expandVBMI expander
}

// floatStep is the number of columns in a unit of the float types.
const floatStep = 2

// A unit is up to 256 columns of 16 rows in plain numbers. For the types of 32
// columns, value = d*q + dm. For those of 256 columns, with b = column/16,
// value = d*scale[b]*q - dm*min[b].
type unit struct {
	q     [Group][256]int8 // codes, centred on zero where the type is symmetric
	scale [16][Group]int32
	min   [16][Group]int32
	d, dm [Group]float32
}

var layouts = byType(
	&layout{t: quant.Q4_0, kind: Q8, cols: 32, bytes: 32 + 256, pack: packQ40, unpack: unpackQ40},
	&layout{t: quant.Q4_1, kind: Q8, cols: 32, bytes: 64 + 256, pack: packQ41, unpack: unpackQ41, hasMin: true},
	&layout{t: quant.Q5_0, kind: Q8, cols: 32, bytes: 32 + 64 + 256, pack: packQ50, unpack: unpackQ50},
	&layout{t: quant.Q5_1, kind: Q8, cols: 32, bytes: 64 + 64 + 256, pack: packQ51, unpack: unpackQ51, hasMin: true},
	&layout{t: quant.Q8_0, kind: Q8, cols: 32, bytes: 32 + 512, pack: packQ80, unpack: unpackQ80},
	&layout{t: quant.IQ4_NL, kind: Q8, cols: 32, bytes: 32 + 256, pack: packQ40, unpack: unpackIQ4NL},
	&layout{t: quant.MXFP4, kind: Q8, cols: 32, bytes: 16 + 256, pack: packMXFP4, unpack: unpackMXFP4},
	&layout{t: quant.Q4_K, kind: Q8K, cols: 256, bytes: 320 + 2048, pack: packQ4K, unpack: unpackQ4K, hasMin: true},
	&layout{t: quant.Q5_K, kind: Q8K, cols: 256, bytes: 320 + 512 + 2048, pack: packQ5K, unpack: unpackQ5K, hasMin: true},
	&layout{t: quant.Q6_K, kind: Q8K, cols: 256, bytes: 320 + 2048 + 1024, pack: packQ6K, unpack: unpackQ6K},
	&layout{t: quant.Q3_K, kind: Q8K, cols: 256, bytes: 320 + 512 + 1024, pack: packQ3K, unpack: unpackQ3K},
	&layout{t: quant.Q2_K, kind: Q8K, cols: 256, bytes: 320 + 1024, pack: packQ2K, unpack: unpackQ2K, hasMin: true},
	&layout{t: quant.IQ4_XS, kind: Q8K, cols: 256, bytes: 192 + 2048, pack: packIQ4XS, unpack: unpackIQ4XS},
	&layout{t: quant.TQ1_0, kind: Q8K, cols: 256, bytes: 32 + 832, pack: packTQ1, unpack: unpackTQ1},
	&layout{t: quant.TQ2_0, kind: Q8K, cols: 256, bytes: 32 + 1024, pack: packTQ2, unpack: unpackTQ2},
	&layout{t: quant.NVFP4, kind: Q8, cols: 32, bytes: 32 + 256, pack: packNVFP4, unpack: unpackNVFP4, halves: true},
	gridIQ1S.layout(), gridIQ1M.layout(), gridIQ2XXS.layout(), gridIQ2XS.layout(), gridIQ2S.layout(),
	gridIQ3XXS.layout(), gridIQ3S.layout(),
	&layout{t: quant.F32, kind: F32, cols: floatStep, bytes: 128},
	&layout{t: quant.F16, kind: F32, cols: floatStep, bytes: 64},
	&layout{t: quant.BF16, kind: F32, cols: floatStep, bytes: 64},
)

func byType(ls ...*layout) map[quant.Type]*layout {
	m := map[quant.Type]*layout{}
	for _, l := range ls {
		m[l.t] = l
	}
	return m
}

// layoutOf returns the packed layout of a type, or nil if it has none.
func layoutOf(t quant.Type) *layout { return layouts[t] }

func (l *layout) units(cols int) int { return (cols + l.cols - 1) / l.cols }

func (l *layout) groupBytes(cols int) int { return l.units(cols) * l.bytes }

// step returns how many units are packed at a time, and the bytes that they take
// in a GGUF row: a block of NVFP4 has 64 columns, which are two units.
func (l *layout) step() (units, bytes int) {
	elems := l.t.BlockElems()
	if elems > l.cols {
		return elems / l.cols, l.t.BlockBytes()
	}
	return 1, l.cols / elems * l.t.BlockBytes()
}

// packGroup packs n rows, rowBytes apart in src.
func (l *layout) packGroup(dst, src []byte, n, rowBytes, cols int) {
	if l.kind == F32 {
		packFloats(l.t, dst, src, n, rowBytes, cols)
		return
	}
	if n < Group {
		clear(dst)
	}
	per, step := l.step()
	for u := 0; u < l.units(cols); u += per {
		l.pack(dst[u*l.bytes:][:per*l.bytes], src[u/per*step:], rowBytes, n)
	}
}
