package modeltest

import "math"

// A Distance says how far logits are from a reference.
type Distance struct {
	Max  float64 // largest absolute difference
	RMS  float64
	KL   float64 // mean over rows of KL(reference, got), in nats
	Top1 float64 // share of rows with the same best token
	Rows int
}

// Compare measures got against want, rows of vocab values each.
func Compare(got []float32, want []float64, vocab int) Distance {
	d := Distance{Rows: len(want) / vocab}
	sum := 0.0
	for i, w := range want {
		diff := math.Abs(float64(got[i]) - w)
		if !(diff <= d.Max) { // also when it is NaN
			d.Max = diff
		}
		sum += diff * diff
	}
	d.RMS = math.Sqrt(sum / float64(len(want)))
	for r := range d.Rows {
		g, w := got[r*vocab:(r+1)*vocab], want[r*vocab:(r+1)*vocab]
		if ArgMax(g) == ArgMax(w) {
			d.Top1 += 1 / float64(d.Rows)
		}
		d.KL += kl(w, g) / float64(d.Rows)
	}
	return d
}

// Add joins the distances of two sets of rows.
func (d Distance) Add(o Distance) Distance {
	n := float64(d.Rows + o.Rows)
	a, b := float64(d.Rows)/n, float64(o.Rows)/n
	return Distance{
		Max:  math.Max(d.Max, o.Max),
		RMS:  math.Sqrt(d.RMS*d.RMS*a + o.RMS*o.RMS*b),
		KL:   d.KL*a + o.KL*b,
		Top1: d.Top1*a + o.Top1*b,
		Rows: d.Rows + o.Rows,
	}
}

// kl is the divergence of softmax(q) from softmax(p).
func kl(p []float64, q []float32) float64 {
	lp, lq := logSum(p), logSum(q)
	sum := 0.0
	for i, v := range p {
		sum += math.Exp(v-lp) * ((v - lp) - (float64(q[i]) - lq))
	}
	return sum
}

func logSum[T float32 | float64](x []T) float64 {
	top := float64(x[ArgMax(x)])
	sum := 0.0
	for _, v := range x {
		sum += math.Exp(float64(v) - top)
	}
	return top + math.Log(sum)
}

// Float64s widens x.
func Float64s(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}
