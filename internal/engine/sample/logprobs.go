package sample

import (
	"math"
	"slices"

	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/vec"
)

// A Logprob is a token and the natural logarithm of its probability.
type Logprob struct {
	ID      int32
	Logprob float32
}

// LogSumExp returns ln(sum(exp(logits))): a token's log-probability is its logit
// minus this. The exponentials are vectors of float32; pieces of them are summed
// in float64, so that a large vocabulary loses nothing.
func LogSumExp(logits []float32) float64 {
	if len(logits) == 0 {
		return math.Inf(-1)
	}
	m := vec.Max(logits)
	if math.IsInf(float64(m), 0) || math.IsNaN(float64(m)) {
		return float64(m)
	}
	var buf [512]float32
	sum := 0.0
	for len(logits) > 0 {
		n := min(len(logits), len(buf))
		sum += float64(vec.ExpSub(buf[:n], logits[:n], m))
		logits = logits[n:]
	}
	return float64(m) + math.Log(sum)
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
