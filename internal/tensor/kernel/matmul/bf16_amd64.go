//go:build !noasm

package matmul

import "github.com/holdfast-llm/holdfast/internal/machine/cpu"

var useBF16 = cpu.Has("avx512bf16")

func init() {
	cpu.Register("avx512bf16", &useBF16)
	for _, ks := range bf16Kernels() {
		brain.bf16 = ks
	}
}

// pairsFast reports whether the processor multiplies pairs of bf16 numbers
// faster than float32 numbers.
func pairsFast() bool { return useBF16 || useAMX }

// brainKernels returns the kernels for BF16 activations, or nil.
func brainKernels() []tileKernel {
	if useBF16 {
		return brain.bf16
	}
	return nil
}

func setBF16(dst []byte, x []float32) {
	n := len(x) &^ 15
	if useBF16 && n > 0 {
		convertBF16(&dst[:2*n][0], &x[0], n/16)
		dst, x = dst[2*n:], x[n:]
	}
	setBF16Go(dst, x)
}

//go:noescape
func convertBF16(dst *byte, x *float32, n int)
