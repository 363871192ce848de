package vec

import "math"

// Exp sets dst[i] to e to the power of x[i]. dst may be x. The portable body is
// correctly rounded but for rare ties, the others are off by at most 1.5 units
// in the last place. Results below the smallest normal number (x < -87.33) may
// be zero; above the largest number (x > 88.72) they are +Inf; NaN stays NaN.
func Exp(dst, x []float32) {
	check("Exp", len(dst), len(x))
	expSub(dst, x, 0)
}

// ExpSub sets dst[i] to e to the power of x[i]-m and returns the sum of all
// dst[i]. It is the inner step of every softmax. dst may be x.
func ExpSub(dst, x []float32, m float32) float32 {
	check("ExpSub", len(dst), len(x))
	return expSub(dst, x, m)
}

func expSubGo(dst, x []float32, m float32) float32 {
	dst = dst[:len(x)]
	var sum float64
	for i, v := range x {
		e := exp32(v - m)
		dst[i] = e
		sum += float64(e)
	}
	return float32(sum)
}

func exp32(x float32) float32 { return float32(math.Exp(float64(x))) }

// Softmax replaces x by exp(x[i]) / sum of exp(x[j]), computed so that large x
// do not overflow. If all elements are -Inf (nothing allowed), all become 0.
func Softmax(x []float32) {
	m := Max(x)
	if math.IsInf(float64(m), -1) {
		clear(x)
		return
	}
	sum := ExpSub(x, x, m)
	Scale(x, 1/sum)
}

// Sigmoid sets dst[i] = 1 / (1 + exp(-x[i])). dst may be x.
func Sigmoid(dst, x []float32) {
	check("Sigmoid", len(dst), len(x))
	sigmoid(dst, x)
}

func sigmoidGo(dst, x []float32) {
	dst = dst[:len(x)]
	for i, v := range x {
		dst[i] = 1 / (1 + exp32(-v))
	}
}

// SwiGLU sets dst[i] = silu(gate[i]) * up[i], where silu(g) = g / (1+exp(-g)):
// the gate of the feed-forward part. dst may be gate or up.
func SwiGLU(dst, gate, up []float32) {
	check("SwiGLU", len(dst), len(gate))
	check("SwiGLU", len(dst), len(up))
	swiglu(dst, gate, up)
}

func swigluGo(dst, gate, up []float32) {
	dst, up = dst[:len(gate)], up[:len(gate)]
	for i, g := range gate {
		dst[i] = g / (1 + exp32(-g)) * up[i]
	}
}
