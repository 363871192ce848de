// Package lightning holds the arithmetic of the lightning indexer: scores of
// cached keys by many small heads, and the choice of the best.
//
//	score(key) = sum over heads of weight[h] * max(0, q[h] . key)
//
// The choice is discontinuous: the smallest difference in rounding can swap two
// keys near the cut. So a score is computed by the same operations whoever asks,
// and ties go to the lower row.
package lightning

import (
	"math"

	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/vec"
)

// KeyElem returns the number format of indexer keys in a cache whose other rows
// have the given one. Blocks with a common scale are too coarse for them.
func KeyElem(cache attend.Elem) attend.Elem {
	if cache == attend.Q8_0 {
		return attend.BF16
	}
	return cache
}

// A Scratch is the memory of one worker. The zero value is ready.
type Scratch struct {
	dots   attend.Scratch
	params attend.Params
	weight []float32 // of the heads
	q      []float32 // [heads][dim]
	sum    [attend.Step]float64
	part   []float32 // scores while they are sorted
	blocks []float32 // scores of blocks
}

// Begin takes the queries of a row: heads of len(q)/len(weight) elements, which
// Score compares with keys in format e. fast rounds the queries to bf16 if the
// keys are bf16, see attend.Params.
func (s *Scratch) Begin(q, weight []float32, e attend.Elem, fast bool) {
	dim := len(q) / len(weight)
	s.params = attend.Params{Elem: e, DK: dim, DV: dim, Scale: 1, Fast: fast}
	s.weight, s.q = weight, q
	if len(weight) <= attend.MaxQueries {
		s.dots.SetQueries(&s.params, q, len(weight))
	}
}

// Score sets dst[i] to the score of key i of keys. The heads' shares are added in
// the heads' order, in float64.
func (s *Scratch) Score(dst []float32, keys []byte) {
	size := s.params.Elem.RowBytes(s.params.DK)
	for len(dst) > 0 {
		n := min(len(dst), attend.Step)
		sum := s.sum[:n]
		clear(sum)
		for h := 0; h < len(s.weight); h += attend.MaxQueries {
			heads := min(attend.MaxQueries, len(s.weight)-h)
			if len(s.weight) > attend.MaxQueries {
				s.dots.SetQueries(&s.params, s.q[h*s.params.DK:], heads)
			}
			s.dots.Dots(&s.params, keys, n)
			for i, w := range s.weight[h : h+heads] {
				vec.AxpyRelu(sum, w, s.dots.Dot(i, n))
			}
		}
		for i, v := range sum {
			dst[i] = float32(v)
		}
		dst, keys = dst[n:], keys[n*size:]
	}
}

// Best appends the numbers of the k largest scores to dst, in ascending order. A
// score that is not a number counts as the smallest.
func (s *Scratch) Best(dst []int32, scores []float32, k int) []int32 {
	if len(scores) <= k {
		for i := range scores {
			dst = append(dst, int32(i))
		}
		return dst
	}
	if k == 0 {
		return dst
	}
	if cap(s.part) < len(scores) {
		s.part = make([]float32, len(scores)+len(scores)/4)
	}
	part := s.part[:len(scores)]
	for i, v := range scores {
		if v != v {
			v = float32(math.Inf(-1))
		}
		part[i] = v
	}
	cut := kth(part, k)
	above := 0
	for _, v := range scores {
		if v > cut {
			above++
		}
	}
	equal := k - above // how many of those at the cut are kept
	for i, v := range scores {
		if v != v {
			v = float32(math.Inf(-1))
		}
		if v == cut && equal > 0 {
			equal--
		} else if !(v > cut) {
			continue
		}
		dst = append(dst, int32(i))
	}
	return dst
}

// kth returns the k-th largest value of x, which it reorders.
func kth(x []float32, k int) float32 {
	lo, hi := 0, len(x)-1
	for lo < hi {
		// The median of three keeps sorted input from being the worst case.
		a, b, c := x[lo], x[lo+(hi-lo)/2], x[hi]
		pivot := max(min(a, b), min(max(a, b), c))
		i, j := lo, hi
		for i <= j {
			for x[i] > pivot {
				i++
			}
			for x[j] < pivot {
				j--
			}
			if i <= j {
				x[i], x[j] = x[j], x[i]
				i++
				j--
			}
		}
		switch {
		case k-1 <= j:
			hi = j
		case k-1 >= i:
			lo = i
		default:
			return x[k-1]
		}
	}
	return x[k-1]
}

// Blocks returns scratch for the scores of n blocks.
func (s *Scratch) Blocks(n int) []float32 {
	if cap(s.blocks) < n {
		s.blocks = make([]float32, n+n/4)
	}
	return s.blocks[:n]
}
