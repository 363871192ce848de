//go:build !noasm

package matmul

// gatherFour gathers the first n/4*4 words of 16 rows and returns their number.
func gatherFour(dst []byte, dstStride int, src []byte, stride, n int) int {
	if !useAVX2 || n < 4 {
		return 0
	}
	n &^= 3
	_ = dst[(n-1)*dstStride+4*Group-1]
	_ = src[(Group-1)*stride+4*n-1]
	gatherAVX2(&dst[0], dstStride, &src[0], stride, n/4)
	return n
}

// gatherAVX2 is gather for 16 rows and 4n words.
//
//go:noescape
func gatherAVX2(dst *byte, dstStride int, src *byte, stride, n int)
