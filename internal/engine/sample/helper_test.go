package sample

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// zipf returns logits of a plausible distribution over n tokens, shuffled.
func zipf(n int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	l := make([]float32, n)
	for i := range l {
		l[i] = float32(-1.2*math.Log(float64(i+1)) + 0.1*r.NormFloat64())
	}
	r.Shuffle(n, func(i, j int) { l[i], l[j] = l[j], l[i] })
	return l
}

func mustNew(t testing.TB, o Options) *Sampler {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// neutral is a chain in which nothing but the temperature acts.
func neutral(seed uint64) Options {
	return Options{Temperature: 1, TopP: 1, Typical: 1, RepeatPenalty: 1, Seed: seed}
}

// probabilities returns the softmax of logits.
func probabilities(logits []float32) []float64 {
	lse := LogSumExp(logits)
	p := make([]float64, len(logits))
	for i, l := range logits {
		p[i] = math.Exp(float64(l) - lse)
	}
	return p
}

// ranked returns the token ids from the best down, equal logits by id.
func ranked(logits []float32) []int32 {
	ids := make([]int32, len(logits))
	for i := range ids {
		ids[i] = int32(i)
	}
	slices.SortStableFunc(ids, func(a, b int32) int {
		switch {
		case logits[a] > logits[b]:
			return -1
		case logits[a] < logits[b]:
			return 1
		}
		return 0
	})
	return ids
}

// support draws n times and returns the set of tokens seen, sorted.
func support(t testing.TB, o Options, logits []float32, n int) []int32 {
	t.Helper()
	s, sc := mustNew(t, o), &Scratch{}
	seen := map[int32]bool{}
	for range n {
		id, err := s.Sample(sc, logits, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		seen[id] = true
	}
	var ids []int32
	for id := range seen {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
