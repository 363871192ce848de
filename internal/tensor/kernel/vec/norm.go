package vec

import "math"

// RMSNorm divides x by its root mean square and multiplies it by w, element by
// element:
//
//	dst[i] = x[i] / sqrt(mean(x*x) + eps) * w[i]
//
// w nil means all ones. dst may be x. The squares are summed in float64: a row
// of a few thousand elements would lose three digits in float32.
func RMSNorm(dst, x, w []float32, eps float32) {
	check("RMSNorm", len(dst), len(x))
	if w != nil {
		check("RMSNorm", len(w), len(x))
	}
	if len(x) == 0 {
		return
	}
	inv := float32(1 / math.Sqrt(sumSquares(x)/float64(len(x))+float64(eps)))
	if w == nil {
		scaleTo(dst, x, inv)
		return
	}
	scaleMul(dst, x, inv, w)
}

// sumSquaresGo returns the sum of x[i]*x[i]. The product of two float32 is
// exact in float64.
func sumSquaresGo(x []float32) float64 {
	var s0, s1 float64
	for len(x) >= 2 {
		s0 += float64(x[0]) * float64(x[0])
		s1 += float64(x[1]) * float64(x[1])
		x = x[2:]
	}
	for _, v := range x {
		s0 += float64(v) * float64(v)
	}
	return s0 + s1
}

// scaleToGo sets dst[i] = x[i]*a.
func scaleToGo(dst, x []float32, a float32) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = v * a
	}
}

// scaleMulGo sets dst[i] = (x[i]*a)*w[i], rounded after each product.
func scaleMulGo(dst, x []float32, a float32, w []float32) {
	dst, w = dst[:len(x)], w[:len(x)]
	for i, v := range x {
		dst[i] = float32(v*a) * w[i]
	}
}

// LayerNorm subtracts the mean of x, divides by the standard deviation, then
// multiplies by w and adds b:
//
//	dst[i] = (x[i]-mean(x)) / sqrt(variance(x) + eps) * w[i] + b[i]
//
// w nil means all ones, b nil all zeros. dst may be x. The sums are float64.
// It is not on the hot path of any supported model and has no other body.
func LayerNorm(dst, x, w, b []float32, eps float32) {
	check("LayerNorm", len(dst), len(x))
	if w != nil {
		check("LayerNorm", len(w), len(x))
	}
	if b != nil {
		check("LayerNorm", len(b), len(x))
	}
	mean, inv := moments(x, eps)
	for i, v := range x {
		y := float32((float64(v) - mean) * inv)
		if w != nil {
			y *= w[i]
		}
		if b != nil {
			y += b[i]
		}
		dst[i] = y
	}
}

// moments returns the mean of x and 1/sqrt(variance + eps).
func moments(x []float32, eps float32) (mean, inv float64) {
	n := float64(max(len(x), 1))
	for _, v := range x {
		mean += float64(v)
	}
	mean /= n
	var sum float64
	for _, v := range x {
		d := float64(v) - mean
		sum += d * d
	}
	return mean, 1 / math.Sqrt(sum/n+float64(eps))
}
