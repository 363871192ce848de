package sample

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestLogSumExp(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	inf := float32(math.Inf(1))
	for _, n := range []int{1, 2, 511, 512, 513, 5000, 130000} {
		logits := make([]float32, n)
		for i := range logits {
			logits[i] = float32(r.NormFloat64()*8 - 20)
		}
		if n > 2 {
			logits[n/2] = -inf // a masked token
		}
		sum := 0.0
		for _, l := range logits {
			sum += math.Exp(float64(l))
		}
		if got, want := LogSumExp(logits), math.Log(sum); math.Abs(got-want) > 1e-6 {
			t.Errorf("%d logits: %v, want %v", n, got, want)
		}
	}
	if got := LogSumExp([]float32{-inf, -inf}); !math.IsInf(got, -1) {
		t.Errorf("no token: %v", got)
	}
}

func BenchmarkLogSumExp(b *testing.B) {
	logits := make([]float32, 129280)
	for i := range logits {
		logits[i] = float32(i%97) / 7
	}
	for b.Loop() {
		LogSumExp(logits)
	}
}
