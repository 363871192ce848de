//go:build !noasm

package matmul

func quantizeQ8(dst []byte, x []float32) {
	if n := len(x) / q8Cols; useAVX2 && n > 0 {
		quantizeQ8AVX2(&dst[:n*q8Bytes][0], &x[0], n)
		return
	}
	quantizeQ8Go(dst, x)
}

func quantizeQ8K(dst []byte, x []float32) {
	if n := len(x) / q8kCols; useAVX2 && n > 0 {
		quantizeQ8KAVX2(&dst[:n*q8kBytes][0], &x[0], n)
		return
	}
	quantizeQ8KGo(dst, x)
}

// quantizeQ8AVX2 is quantizeQ8Go for n units.
//
//go:noescape
func quantizeQ8AVX2(dst *byte, x *float32, n int)

// quantizeQ8KAVX2 is quantizeQ8KGo for n units.
//
//go:noescape
func quantizeQ8KAVX2(dst *byte, x *float32, n int)
