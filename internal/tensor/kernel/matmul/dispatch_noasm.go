//go:build noasm || !amd64

package matmul

func (l *layout) kernels() []tileKernel { return nil }

func quantizeQ8(dst []byte, x []float32) { quantizeQ8Go(dst, x) }

func quantizeQ8K(dst []byte, x []float32) { quantizeQ8KGo(dst, x) }

func gatherFour([]byte, int, []byte, int, int) int { return 0 }

func storeFull([]float32, int, []float32, int, bool) bool { return false }

func (l *layout) expander() expander { return nil }

func (l *layout) arranger() expander { return nil }
