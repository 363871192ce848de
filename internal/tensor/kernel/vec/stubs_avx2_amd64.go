//go:build !noasm

package vec

// Each stub is the portable body that its comment names, for n elements; n is a
// positive multiple of 8. A returned sum is not rounded to float32 yet where it
// is a float64.

// dotAVX2 is dotGo.
//
//go:noescape
func dotAVX2(a, b *float32, n int) (ret float32)

// dotF16AVX2 is dotF16Go.
//
//go:noescape
func dotF16AVX2(a *float32, b *uint16, n int) (ret float32)

// maxOfAVX2 is maxGo.
//
//go:noescape
func maxOfAVX2(x *float32, n int) (ret float32)

// sumSquaresAVX2 is sumSquaresGo.
//
//go:noescape
func sumSquaresAVX2(x *float32, n int) (ret float64)

// axpyAVX2 is axpyGo.
//
//go:noescape
func axpyAVX2(dst, x *float32, n int, a float32)

// axpyReluAVX2 is axpyReluGo.
//
//go:noescape
func axpyReluAVX2(dst *float64, x *float32, n int, a float32)

// addAVX2 is addGo.
//
//go:noescape
func addAVX2(dst, x *float32, n int)

// mulAVX2 is mulGo.
//
//go:noescape
func mulAVX2(dst, x *float32, n int)

// scaleToAVX2 is scaleToGo.
//
//go:noescape
func scaleToAVX2(dst, x *float32, n int, a float32)

// scaleMulAVX2 is scaleMulGo.
//
//go:noescape
func scaleMulAVX2(dst, x, w *float32, n int, a float32)

// expSubAVX2 is expSubGo.
//
//go:noescape
func expSubAVX2(dst, x *float32, n int, m float32) (ret float64)

// sigmoidAVX2 is sigmoidGo.
//
//go:noescape
func sigmoidAVX2(dst, x *float32, n int)

// swigluAVX2 is swigluGo.
//
//go:noescape
func swigluAVX2(dst, gate, up *float32, n int)

// ropeNormAVX2 is ropeNormGo.
//
//go:noescape
func ropeNormAVX2(x, cs *float32, n int)

// ropeNeoxAVX2 is ropeNeoxGo.
//
//go:noescape
func ropeNeoxAVX2(lo, hi, cs *float32, n int)

// f32ToF16AVX2 is f32ToF16Go.
//
//go:noescape
func f32ToF16AVX2(dst *uint16, x *float32, n int)

// f16ToF32AVX2 is f16ToF32Go.
//
//go:noescape
func f16ToF32AVX2(dst *float32, x *uint16, n int)

// f32ToBF16AVX2 is f32ToBF16Go.
//
//go:noescape
func f32ToBF16AVX2(dst *uint16, x *float32, n int)

// bf16ToF32AVX2 is bf16ToF32Go.
//
//go:noescape
func bf16ToF32AVX2(dst *float32, x *uint16, n int)
