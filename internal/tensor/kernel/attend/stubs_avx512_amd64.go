//go:build !noasm

package attend

import "unsafe"

// Each scores stub is scoresGo for 1, 2 or 4 queries of dk elements, a multiple
// of 16 (of 32 for Q8), one behind the other, and rows rows, at least one. Scores
// of up to 3 further columns are overwritten with something. What is ahead bytes
// behind the rows is fetched into the cache; 0 fetches nothing.

//go:noescape
func scoresF32x1AVX512(q *float32, k unsafe.Pointer, out *float32, dk, stride, rows, ahead int)

//go:noescape
func scoresF32x2AVX512(q *float32, k unsafe.Pointer, out *float32, dk, stride, rows, ahead int)

//go:noescape
func scoresF32x4AVX512(q *float32, k unsafe.Pointer, out *float32, dk, stride, rows, ahead int)

//go:noescape
func scoresF16x1AVX512(q *float32, k unsafe.Pointer, out *float32, dk, stride, rows, ahead int)

//go:noescape
func scoresF16x2AVX512(q *float32, k unsafe.Pointer, out *float32, dk, stride, rows, ahead int)

//go:noescape
func scoresF16x4AVX512(q *float32, k unsafe.Pointer, out *float32, dk, stride, rows, ahead int)

//go:noescape
func scoresBF16x1AVX512(q *float32, k unsafe.Pointer, out *float32, dk, stride, rows, ahead int)

//go:noescape
func scoresBF16x2AVX512(q *float32, k unsafe.Pointer, out *float32, dk, stride, rows, ahead int)

//go:noescape
func scoresBF16x4AVX512(q *float32, k unsafe.Pointer, out *float32, dk, stride, rows, ahead int)

//go:noescape
func scoresQ8x1AVX512(q *float32, k unsafe.Pointer, out *float32, dk, stride, rows, ahead int)

//go:noescape
func scoresQ8x2AVX512(q *float32, k unsafe.Pointer, out *float32, dk, stride, rows, ahead int)

//go:noescape
func scoresQ8x4AVX512(q *float32, k unsafe.Pointer, out *float32, dk, stride, rows, ahead int)

// Each values stub is valuesGo for 1, 2 or 4 queries, whose accumulators are
// accStride bytes apart, and n rows, at least one. dv is a multiple of 16 (of 32
// for Q8).

//go:noescape
func valuesF32x1AVX512(acc *float32, rows unsafe.Pointer, w *float32, dv, accStride, stride, n, ahead int)

//go:noescape
func valuesF32x2AVX512(acc *float32, rows unsafe.Pointer, w *float32, dv, accStride, stride, n, ahead int)

//go:noescape
func valuesF32x4AVX512(acc *float32, rows unsafe.Pointer, w *float32, dv, accStride, stride, n, ahead int)

//go:noescape
func valuesF16x1AVX512(acc *float32, rows unsafe.Pointer, w *float32, dv, accStride, stride, n, ahead int)

//go:noescape
func valuesF16x2AVX512(acc *float32, rows unsafe.Pointer, w *float32, dv, accStride, stride, n, ahead int)

//go:noescape
func valuesF16x4AVX512(acc *float32, rows unsafe.Pointer, w *float32, dv, accStride, stride, n, ahead int)

//go:noescape
func valuesBF16x1AVX512(acc *float32, rows unsafe.Pointer, w *float32, dv, accStride, stride, n, ahead int)

//go:noescape
func valuesBF16x2AVX512(acc *float32, rows unsafe.Pointer, w *float32, dv, accStride, stride, n, ahead int)

//go:noescape
func valuesBF16x4AVX512(acc *float32, rows unsafe.Pointer, w *float32, dv, accStride, stride, n, ahead int)

//go:noescape
func valuesQ8x1AVX512(acc *float32, rows unsafe.Pointer, w *float32, dv, accStride, stride, n, ahead int)

//go:noescape
func valuesQ8x2AVX512(acc *float32, rows unsafe.Pointer, w *float32, dv, accStride, stride, n, ahead int)

//go:noescape
func valuesQ8x4AVX512(acc *float32, rows unsafe.Pointer, w *float32, dv, accStride, stride, n, ahead int)

// loadQ8AVX512 is loadQ8Go for whole blocks, at least one.
//
//go:noescape
func loadQ8AVX512(dst *float32, src unsafe.Pointer, blocks int)

// storeQ8AVX512 is storeQ8Go for whole blocks, at least one.
//
//go:noescape
func storeQ8AVX512(dst unsafe.Pointer, src *float32, blocks int)

// The bodies by number format, for 1, 2 and 4 queries. Tables of functions would
// move what their arguments point to to the heap, where all of it is already.
var (
	scoresAVX512 = [...][3]scoresFunc{
		F32:  {scoresF32x1AVX512, scoresF32x2AVX512, scoresF32x4AVX512},
		F16:  {scoresF16x1AVX512, scoresF16x2AVX512, scoresF16x4AVX512},
		BF16: {scoresBF16x1AVX512, scoresBF16x2AVX512, scoresBF16x4AVX512},
		Q8_0: {scoresQ8x1AVX512, scoresQ8x2AVX512, scoresQ8x4AVX512},
	}
	valuesAVX512 = [...][3]valuesFunc{
		F32:  {valuesF32x1AVX512, valuesF32x2AVX512, valuesF32x4AVX512},
		F16:  {valuesF16x1AVX512, valuesF16x2AVX512, valuesF16x4AVX512},
		BF16: {valuesBF16x1AVX512, valuesBF16x2AVX512, valuesBF16x4AVX512},
		Q8_0: {valuesQ8x1AVX512, valuesQ8x2AVX512, valuesQ8x4AVX512},
	}
)

// weighAVX512 turns the scores of n queries in a block into weights, in place,
// relative to the largest score so far, m, which it updates like the sum of
// weights l. shrink is what was accumulated under the former m has to be multiplied
// by. top is scratch for n numbers, w is not used.
//
//go:noescape
func weighAVX512(x *float32, w *uint16, m, l, top, shrink *float32, n int)
