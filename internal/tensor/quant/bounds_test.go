package quant

import (
	"math"
	"testing"
)

// The bounds that ggml publishes for its own formats, in its test of the
// quantisation functions: for 4096 values 0.1+2*cos(i+offset), the root of
// the sum of squared errors over 4096, and the error of a dot product with
// quantised activations over 4096.
func errorBounds(ty Type) (total, dot float64) {
	total, dot = 0.002, 0.02
	switch ty {
	case TQ1_0, TQ2_0:
		total, dot = 0.01, 0.15
	case Q2_K:
		total, dot = 0.0075, 0.04
	case IQ2_S:
		total, dot = 0.0075, 0.04
	case Q3_K:
		total = 0.0040
	case IQ3_S:
		total, dot = 0.0040, 0.04
	case IQ3_XXS:
		total, dot = 0.0050, 0.04
	case NVFP4:
		total, dot = 0.0030, 0.03
	// ggml's test passes over the types that need an importance matrix. The
	// bounds here are what its own blocks keep, and a tenth.
	case IQ2_XS:
		total, dot = 0.0072, 0.04
	case IQ2_XXS:
		total, dot = 0.0082, 0.052
	case IQ1_S:
		total, dot = 0.0108, 0.015
	case IQ1_M:
		total, dot = 0.0135, 0.181
	}
	return total, dot
}

func synthetic(offset float32) []float32 {
	x := make([]float32, rowElems)
	for i := range x {
		x[i] = float32(0.1 + 2*math.Cos(float64(float32(i)+offset)))
	}
	return x
}

func totalError(x, y []float32) float64 {
	var sum float64
	for i := range x {
		d := float64(x[i] - y[i])
		sum += d * d
	}
	return math.Sqrt(sum) / float64(len(x))
}

func dot(x, y []float32) float64 {
	var sum float64
	for i := range x {
		sum += float64(x[i]) * float64(y[i])
	}
	return sum
}

// checkBounds tests blocks made from synthetic(0), whoever made them.
func checkBounds(t *testing.T, who string, ty Type, blocks []byte) {
	t.Helper()
	x, acts := synthetic(0), synthetic(1)
	total, bound := errorBounds(ty)
	y := mustDequantize(t, ty, blocks)
	e := totalError(x, y)
	if !(e < total) {
		t.Errorf("%s of %s: total error %.6f, want below %g", ty, who, e, total)
	}
	at := Q8_0 // the activations that ggml pairs with blocks of 32 or 64
	if ty.BlockElems() == superBlock {
		at = Q8_K
	}
	d := math.Abs(dot(y, mustDequantize(t, at, mustQuantize(t, at, acts)))-dot(x, acts)) / rowElems
	if !(d < bound) {
		t.Errorf("%s of %s: dot product error %.6f, want below %g", ty, who, d, bound)
	}
	t.Logf("%-8s %-5s total %.6f (%g) dot %.6f (%g)", ty, who, e, total, d, bound)
}

func TestBlocksOfGGMLAreWithinItsBounds(t *testing.T) {
	for _, ty := range blockTypes() {
		checkBounds(t, "ggml", ty, readVector(t, ty).row)
	}
}

func TestOurBlocksAreWithinTheBoundsOfGGML(t *testing.T) {
	for _, ty := range Types() {
		if CanQuantize(ty) {
			checkBounds(t, "ours", ty, mustQuantize(t, ty, synthetic(0)))
		}
	}
}
