package vec

import "math"

// Dot returns the sum of a[i]*b[i].
func Dot(a, b []float32) float32 {
	check("Dot", len(a), len(b))
	return dot(a, b)
}

// dotGo keeps four sums, because one would wait for each addition to finish.
func dotGo(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	for len(a) >= 4 && len(b) >= 4 {
		s0 += a[0] * b[0]
		s1 += a[1] * b[1]
		s2 += a[2] * b[2]
		s3 += a[3] * b[3]
		a, b = a[4:], b[4:]
	}
	for i, x := range a {
		s0 += x * b[i]
	}
	return (s0 + s2) + (s1 + s3)
}

// Axpy adds a*x to dst: dst[i] += a*x[i].
func Axpy(dst []float32, a float32, x []float32) {
	check("Axpy", len(dst), len(x))
	axpy(dst, a, x)
}

func axpyGo(dst []float32, a float32, x []float32) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] += a * v
	}
}

// AxpyRelu adds a times the positive elements of x to dst: dst[i] +=
// a*max(x[i], 0). A NaN counts as 0. All bodies give the same bits: a product of
// two float32 numbers is a float64 exactly.
func AxpyRelu(dst []float64, a float32, x []float32) {
	check("AxpyRelu", len(dst), len(x))
	axpyRelu(dst, a, x)
}

func axpyReluGo(dst []float64, a float32, x []float32) {
	dst = dst[:len(x)]
	for i, v := range x {
		if v > 0 {
			dst[i] += float64(float64(a) * float64(v))
		}
	}
}

// Add adds x to dst: dst[i] += x[i].
func Add(dst, x []float32) {
	check("Add", len(dst), len(x))
	add(dst, x)
}

func addGo(dst, x []float32) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] += v
	}
}

// Mul multiplies dst by x: dst[i] *= x[i].
func Mul(dst, x []float32) {
	check("Mul", len(dst), len(x))
	mul(dst, x)
}

func mulGo(dst, x []float32) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] *= v
	}
}

// Scale multiplies x by a: x[i] *= a.
func Scale(x []float32, a float32) { scaleTo(x, x, a) }

// Max returns the largest element, leaving NaNs out. It is -Inf if there is
// none.
func Max(x []float32) float32 { return maxOf(x) }

func maxGo(x []float32) float32 {
	m := float32(math.Inf(-1))
	for _, v := range x {
		if v > m {
			m = v
		}
	}
	return m
}

// ArgMax returns the index of the largest element, the first of equal ones,
// leaving NaNs out. It is -1 if there is none.
func ArgMax(x []float32) int {
	m := Max(x)
	for i, v := range x {
		if v == m {
			return i
		}
	}
	return -1
}
