package quant

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// worst is the largest error of an element after quantising, as a share of
// the largest magnitude in its block: half a step; for the types that are
// centred the whole step by which the smaller end of the range falls short.
// For Q2_K to Q6_K, it is twice the half step and what rounding scales and
// mins to integers adds: their encoders give up some of the largest error for
// a smaller sum of squares.
var worst = map[Type]float64{
	F32: 0, F64: 0, F16: 1. / 2048, BF16: 1. / 256,
	Q4_0: 1. / 8, Q4_1: 1. / 15, Q5_0: 1. / 16, Q5_1: 1. / 31, Q8_0: 1. / 254, Q8_1: 1. / 254, Q8_K: 1. / 127,
	Q2_K: 2 * (1./3 + 1./15 + 1./30),
	Q3_K: 2 * (1./4 + 1./64),
	Q4_K: 2 * (1./15 + 1./63 + 1./126),
	Q5_K: 2 * (1./31 + 1./63 + 1./126),
	Q6_K: 2 * (1./32 + 1./256),
	// The gap between 89 and 113 and the reach of 113 against -127.
	IQ4_NL: 14. / 127, TQ1_0: 1. / 2, TQ2_0: 1. / 2,
	MXFP4: 1. / 4, NVFP4: 1./6 + 1./48,
}

func TestQuantizeKeepsEachElementNear(t *testing.T) {
	for _, ty := range Types() {
		if !CanQuantize(ty) {
			continue
		}
		share, ok := worst[ty]
		if !ok {
			t.Errorf("%s has an encoder but no bound", ty)
		}
		rapid.Check(t, func(t *rapid.T) {
			n := max(ty.BlockElems(), 32)
			// Magnitudes for which the scales are normal f16 or E4M3.
			size := math.Ldexp(1, rapid.IntRange(-3, 8).Draw(t, "log2 of the size"))
			offset := rapid.Float64Range(-1, 1).Draw(t, "offset")
			// The seed makes the block: a draw per element would be slow.
			b := splitmix(rapid.Uint64().Draw(t, "seed"), 2*n)
			x := make([]float32, n)
			for i := range x {
				x[i] = float32(size * (offset + float64(int16(uint16(b[2*i])|uint16(b[2*i+1])<<8))/32768))
			}
			blocks := make([]byte, n/ty.BlockElems()*ty.BlockBytes())
			if err := Quantize(ty, blocks, x); err != nil {
				t.Fatal(err)
			}
			y := make([]float32, n)
			if err := Dequantize(ty, y, blocks); err != nil {
				t.Fatal(err)
			}
			_, _, peak := extremes(x)
			limit := share*float64(abs(peak)) + float64(abs(peak))*0.002 // f16 scales
			if share == 0 {
				limit = 0
			}
			for i := range x {
				if e := math.Abs(float64(x[i]) - float64(y[i])); !(e <= limit) {
					t.Fatalf("%s: element %d: %g became %g, off by %g, want at most %g", ty, i, x[i], y[i], e, limit)
				}
			}
		})
	}
}

func TestQuantizeKeepsZeros(t *testing.T) {
	for _, ty := range Types() {
		if !CanQuantize(ty) {
			continue
		}
		for i, y := range mustDequantize(t, ty, mustQuantize(t, ty, make([]float32, 512))) {
			if y != 0 {
				t.Errorf("%s: element %d of a row of zeros is %g", ty, i, y)
				break
			}
		}
	}
}

func TestQuantizeOfDequantizedIsStable(t *testing.T) {
	// Values that a format can hold exactly, with the extreme code present in
	// each block, must come back.
	for _, ty := range []Type{Q4_0, Q5_0, Q8_0, Q8_1, IQ4_NL, MXFP4, TQ1_0, TQ2_0} {
		y := mustDequantize(t, ty, mustQuantize(t, ty, synthetic(2)))
		z := mustDequantize(t, ty, mustQuantize(t, ty, y))
		for i := range y {
			if abs(y[i]-z[i]) > abs(y[i])/1024 {
				t.Errorf("%s: element %d: %g became %g", ty, i, y[i], z[i])
				break
			}
		}
	}
}

func TestQuantizeTakesAnyFloats(t *testing.T) {
	odd := []float32{
		0, float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, 1e-40, 1e-30,
		math.MaxFloat32, -math.MaxFloat32, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), 65504, 65520, -1,
	}
	for _, ty := range Types() {
		if !CanQuantize(ty) {
			continue
		}
		for _, a := range odd {
			for _, b := range odd {
				x := make([]float32, 256)
				for i := range x {
					x[i] = a
					if i%3 == 1 {
						x[i] = b
					}
				}
				mustQuantize(t, ty, x)
			}
		}
	}
}

func TestQuantizeErrors(t *testing.T) {
	x := make([]float32, 256)
	for _, ty := range Types() {
		n, err := ty.RowBytes(len(x))
		if err != nil {
			t.Fatal(err)
		}
		if err := Quantize(ty, make([]byte, n), x); CanQuantize(ty) != (err == nil) || err != nil && !errors.Is(err, ErrNoEncoder) {
			t.Errorf("%s: %v", ty, err)
		}
		if err := Quantize(ty, make([]byte, n+1), x); err == nil {
			t.Errorf("%s: a byte too many is no error", ty)
		}
	}
	if err := Quantize(Type(4), nil, nil); !errors.Is(err, ErrUnknownType) {
		t.Errorf("unknown type: %v", err)
	}
}
