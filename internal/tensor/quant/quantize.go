package quant

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/holdfast-llm/holdfast/internal/tensor/num"
)

// ErrNoEncoder is returned when a type can be read but not made: the IQ1, IQ2,
// IQ3 and IQ4_XS formats need a search that this package does not have.
var ErrNoEncoder = errors.New("no encoder for this type")

// encoders is indexed by Type. An encoder writes whole blocks: len(src) is a
// multiple of the block's elements, dst exactly as long as needed.
var encoders = [len(infos)]func(dst []byte, src []float32){
	F32:    encodeF32,
	F16:    encodeF16,
	BF16:   encodeBF16,
	F64:    encodeF64,
	Q4_0:   encodeQ4_0,
	Q4_1:   encodeQ4_1,
	Q5_0:   encodeQ5_0,
	Q5_1:   encodeQ5_1,
	Q8_0:   encodeQ8_0,
	Q8_1:   encodeQ8_1,
	Q2_K:   encodeQ2K,
	Q3_K:   encodeQ3K,
	Q4_K:   encodeQ4K,
	Q5_K:   encodeQ5K,
	Q6_K:   encodeQ6K,
	Q8_K:   encodeQ8K,
	IQ4_NL: encodeIQ4NL,
	TQ1_0:  encodeTQ1,
	TQ2_0:  encodeTQ2,
	MXFP4:  encodeMXFP4,
	NVFP4:  encodeNVFP4,
}

// CanQuantize reports whether Quantize can make blocks of type t.
func CanQuantize(t Type) bool { return t.Known() && encoders[t] != nil }

// Quantize encodes src as whole blocks of type t into dst, each element
// rounded to the nearest value that the scales of its block allow. The scales
// come from the extremes of the block, in Q2_K to Q6_K then moved to where the
// squared errors are smallest. Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q8_1, Q8_K,
// TQ1_0, TQ2_0 and MXFP4 are the very blocks of ggml's reference encoders; for
// the others ggml searches longer, and weighs by an importance matrix if it
// has one.
//
// NaN and infinities in src give blocks of no particular value. It fails when
// t has no encoder (ErrNoEncoder), when len(src) is not a whole number of
// blocks, and when dst is not exactly as long as the blocks.
func Quantize(t Type, dst []byte, src []float32) error {
	if err := checkSize(t, len(src), len(dst)); err != nil {
		return err
	}
	if !CanQuantize(t) {
		return fmt.Errorf("quant: quantize to %s: %w", t, ErrNoEncoder)
	}
	encoders[t](dst, src)
	return nil
}

func encodeF32(dst []byte, src []float32) {
	for i, x := range src {
		binary.LittleEndian.PutUint32(dst[4*i:], math.Float32bits(x))
	}
}

func encodeF64(dst []byte, src []float32) {
	for i, x := range src {
		binary.LittleEndian.PutUint64(dst[8*i:], math.Float64bits(float64(x)))
	}
}

func encodeF16(dst []byte, src []float32) {
	for i, x := range src {
		put16(dst[2*i:], num.F32ToF16(x))
	}
}

func encodeBF16(dst []byte, src []float32) {
	for i, x := range src {
		put16(dst[2*i:], num.F32ToBF16(x))
	}
}

func put16(b []byte, x uint16) { binary.LittleEndian.PutUint16(b, x) }

// putHalf stores x as f16 and returns the value that a reader will see.
func putHalf(b []byte, x float32) float32 {
	h := num.F32ToF16(x)
	put16(b, h)
	return num.F16ToF32(h)
}

// extremes returns the smallest and the largest element, and the one of
// largest magnitude (the first of several). NaNs are passed over.
func extremes(x []float32) (lo, hi, peak float32) {
	lo, hi = x[0], x[0]
	for _, v := range x {
		lo, hi = min(lo, v), max(hi, v)
		if abs(v) > abs(peak) {
			peak = v
		}
	}
	return lo, hi, peak
}

func abs(x float32) float32 {
	return math.Float32frombits(math.Float32bits(x) &^ (1 << 31))
}

// inverse returns 1/d, and 0 where that is no number to multiply with: for
// zero and for d so small that the quotient overflows.
func inverse(d float32) float32 {
	r := 1 / d
	if d == 0 || math.IsInf(float64(r), 0) {
		return 0
	}
	return r
}

// clamp cuts the fraction off x and limits it to lo..hi. A NaN gives lo.
func clamp(x float32, lo, hi int) int {
	switch {
	case !(x > float32(lo)):
		return lo
	case x >= float32(hi):
		return hi
	}
	return int(x)
}

// round rounds to the nearest integer, halves away from zero, in lo..hi.
func round(x float32, lo, hi int) int {
	return clamp(float32(math.Round(float64(x))), lo, hi)
}

// roundEven rounds to the nearest integer, halves to even, in lo..hi.
func roundEven(x float32, lo, hi int) int {
	return clamp(float32(math.RoundToEven(float64(x))), lo, hi)
}
