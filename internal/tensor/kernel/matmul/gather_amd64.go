//go:build !noasm

package matmul

import "github.com/holdfast-llm/holdfast/internal/tensor/quant"

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

// gatherPanel moves the scales and codes of whole units of 16 rows, cols apart,
// into a panel, and reports whether it did.
func gatherPanel(dst []byte, q []int8, scale []float32, cols int) bool {
	n := cols / q8Cols
	if !useAVX2 || n == 0 {
		return false
	}
	_, _, _ = dst[n*panelBytes-1], q[Group*cols-1], scale[Group*cols/quant.GroupElems-1]
	gatherPanelAVX2(&dst[0], &q[0], cols, &scale[0], n)
	return true
}

// gatherPanelAVX2 does it for n units of rows that are stride codes apart.
//
//go:noescape
func gatherPanelAVX2(dst *byte, src *int8, stride int, scale *float32, n int)
