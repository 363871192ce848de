//go:build !noasm

package vec

// Each stub is the portable body that its comment names, for n elements; n is a
// positive multiple of 16. A returned sum is not rounded to float32 yet where it
// is a float64.

// dotAVX512 is dotGo.
//
//go:noescape
func dotAVX512(a, b *float32, n int) (ret float32)

// dotF16AVX512 is dotF16Go.
//
//go:noescape
func dotF16AVX512(a *float32, b *uint16, n int) (ret float32)

// maxOfAVX512 is maxGo.
//
//go:noescape
func maxOfAVX512(x *float32, n int) (ret float32)

// sumSquaresAVX512 is sumSquaresGo.
//
//go:noescape
func sumSquaresAVX512(x *float32, n int) (ret float64)

// axpyAVX512 is axpyGo.
//
//go:noescape
func axpyAVX512(dst, x *float32, n int, a float32)

// axpyReluAVX512 is axpyReluGo.
//
//go:noescape
func axpyReluAVX512(dst *float64, x *float32, n int, a float32)

// addAVX512 is addGo.
//
//go:noescape
func addAVX512(dst, x *float32, n int)

// mulAVX512 is mulGo.
//
//go:noescape
func mulAVX512(dst, x *float32, n int)

// scaleToAVX512 is scaleToGo.
//
//go:noescape
func scaleToAVX512(dst, x *float32, n int, a float32)

// scaleMulAVX512 is scaleMulGo.
//
//go:noescape
func scaleMulAVX512(dst, x, w *float32, n int, a float32)

// expSubAVX512 is expSubGo.
//
//go:noescape
func expSubAVX512(dst, x *float32, n int, m float32) (ret float64)

// sigmoidAVX512 is sigmoidGo.
//
//go:noescape
func sigmoidAVX512(dst, x *float32, n int)

// swigluAVX512 is swigluGo.
//
//go:noescape
func swigluAVX512(dst, gate, up *float32, n int)

// ropeNormAVX512 is ropeNormGo.
//
//go:noescape
func ropeNormAVX512(x, cs *float32, n int)

// ropeNeoxAVX512 is ropeNeoxGo.
//
//go:noescape
func ropeNeoxAVX512(lo, hi, cs *float32, n int)

// f32ToF16AVX512 is f32ToF16Go.
//
//go:noescape
func f32ToF16AVX512(dst *uint16, x *float32, n int)

// f16ToF32AVX512 is f16ToF32Go.
//
//go:noescape
func f16ToF32AVX512(dst *float32, x *uint16, n int)

// f32ToBF16AVX512 is f32ToBF16Go.
//
//go:noescape
func f32ToBF16AVX512(dst *uint16, x *float32, n int)

// bf16ToF32AVX512 is bf16ToF32Go.
//
//go:noescape
func bf16ToF32AVX512(dst *float32, x *uint16, n int)
