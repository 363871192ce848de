//go:build noasm || !amd64

package matmul

func (l *layout) kernels() []tileKernel { return nil }
