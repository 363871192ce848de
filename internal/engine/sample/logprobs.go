package sample

import (
	"math"
	"slices"
)

// A Logprob is a token and the natural logarithm of its probability.
type Logprob struct {
	ID      int32
	Logprob float32
}

// LogSumExp returns ln(sum(exp(logits))), accumulated in float64: a token's
// log-probability is its logit minus this.
func LogSumExp(logits []float32) float64 {
	m := math.Inf(-1)
	for _, l := range logits {
		m = max(m, float64(l))
	}
	if math.IsInf(m, 0) || math.IsNaN(m) {
		return m
	}
	sum := 0.0
	for _, l := range logits {
		sum += math.Exp(float64(l) - m)
	}
	return m + math.Log(sum)
}

// TopLogprobs appends the n most likely tokens to dst, the likeliest first.
// They are the model's own probabilities, before any option of the chain.
func TopLogprobs(dst []Logprob, sc *Scratch, logits []float32, n int) []Logprob {
	if n <= 0 {
		return dst
	}
	lse := LogSumExp(logits)
	sc.cands.collect(logits, n, float32(math.Inf(-1)))
	sc.cands.sortFirst(n)
	dst = slices.Grow(dst, len(sc.cands.list))
	for _, c := range sc.cands.list {
		dst = append(dst, Logprob{c.id, float32(float64(c.logit) - lse)})
	}
	return dst
}
