package quant

import (
	"encoding/binary"
	"math"
	"math/rand/v2"

	"github.com/holdfast-llm/holdfast/internal/tensor/num"
)

// halfFields says where the blocks of a type hold float16 scales. Random bytes
// there could be infinities.
var halfFields = map[Type][]int{
	Q4_0: {0}, Q4_1: {0, 2}, Q5_0: {0}, Q5_1: {0, 2}, Q8_0: {0}, Q8_1: {0, 2},
	Q2_K: {80, 82}, Q3_K: {108}, Q4_K: {0, 2}, Q5_K: {0, 2}, Q6_K: {208},
	IQ1_S: {0}, IQ2_XXS: {0}, IQ2_XS: {0}, IQ2_S: {0}, IQ3_XXS: {0}, IQ3_S: {0},
	IQ4_NL: {0}, IQ4_XS: {0}, TQ1_0: {52}, TQ2_0: {64}, F16: {0},
}

// Random fills b with blocks of type t that hold random codes and scales around
// 1/64: the numbers are finite, and every code occurs. It is for comparing
// kernels with each other.
func Random(rng *rand.Rand, t Type, b []byte) {
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	for ; len(b) >= t.BlockBytes(); b = b[t.BlockBytes():] {
		randomScales(rng, t, b)
	}
}

func randomScales(rng *rand.Rand, t Type, b []byte) {
	scale := func() float32 { return float32(rng.NormFloat64()) / 64 }
	for _, f := range halfFields[t] {
		binary.LittleEndian.PutUint16(b[f:], num.F32ToF16(scale()))
	}
	switch t {
	case F32, Q8_K:
		binary.LittleEndian.PutUint32(b, math.Float32bits(scale()))
	case BF16:
		binary.LittleEndian.PutUint16(b, num.F32ToBF16(scale()))
	case IQ1_M: // the scale is spread over the top nibbles of four words
		d := num.F32ToF16(scale())
		for i := range 4 {
			b[49+2*i] = b[49+2*i]&15 | byte(d>>(4*i)&15)<<4
		}
	case MXFP4:
		b[0] = byte(115 + rng.IntN(12))
		if rng.IntN(50) == 0 {
			b[0] = byte(rng.IntN(3))
		}
	case NVFP4:
		for i := range 4 {
			b[i] = byte(rng.IntN(0x60))
		}
	}
}
