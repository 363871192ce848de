//go:build noasm || !amd64

package matmul

func pairsFast() bool { return false }

func brainKernels() []tileKernel { return nil }

func setBF16(dst []byte, x []float32) { setBF16Go(dst, x) }
