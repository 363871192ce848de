package sample

import (
	"math"
	"slices"
)

// A cand is a token that is still in the running.
type cand struct {
	id    int32
	logit float32
	p     float64 // exp(logit - best logit), or what a step says; not normalised
}

// compare orders candidates from the best down; equal logits by id.
func compare(a, b cand) int {
	switch {
	case a.logit > b.logit:
		return -1
	case a.logit < b.logit:
		return 1
	}
	return int(a.id) - int(b.id)
}

// candidates is the working set. The first `sorted` entries are the best ones,
// in order; the rest follow in any fixed order.
type candidates struct {
	list    []cand
	sorted  int
	buckets [tailBuckets]float64 // scratch of dropTail
}

// collect takes the k best tokens (all, if k is 0) whose logit is at least
// floor. Logits that are -Inf or NaN never take part.
//
// With k tokens wanted, one pass keeps them in a heap whose root is the worst
// one kept: nearly every logit is turned away by a single comparison, where a
// full sort of 130,000 entries would cost more than the network's last layer.
func (c *candidates) collect(logits []float32, k int, floor float32) {
	c.list, c.sorted = c.list[:0], 0
	lowest := float32(math.Inf(-1))
	if k <= 0 || k >= len(logits) {
		for i, l := range logits {
			if l > lowest && l >= floor {
				c.list = append(c.list, cand{id: int32(i), logit: l})
			}
		}
		return
	}
	for i, l := range logits {
		switch {
		case !(l > lowest && l >= floor):
		case len(c.list) < k:
			c.list = append(c.list, cand{id: int32(i), logit: l})
			if len(c.list) == k {
				heapify(c.list)
			}
		case l > c.list[0].logit: // on a tie the earlier id, already there, wins
			c.list[0] = cand{id: int32(i), logit: l}
			siftDown(c.list, 0)
		}
	}
	slices.SortFunc(c.list, compare)
	c.sorted = len(c.list)
}

// heapify makes list a heap with the worst candidate at its root.
func heapify(list []cand) {
	for i := len(list)/2 - 1; i >= 0; i-- {
		siftDown(list, i)
	}
}

func siftDown(list []cand, i int) {
	for {
		j := 2*i + 1
		if j >= len(list) {
			return
		}
		if j+1 < len(list) && compare(list[j+1], list[j]) > 0 {
			j++
		}
		if compare(list[j], list[i]) <= 0 {
			return
		}
		list[i], list[j] = list[j], list[i]
		i = j
	}
}

// sortFirst makes the first n entries (or all, if there are fewer) the best
// ones in order, without sorting the rest.
func (c *candidates) sortFirst(n int) {
	n = min(n, len(c.list))
	if n <= c.sorted {
		return
	}
	// What is sorted already stays: everything after it is worse.
	quickSelect(c.list[c.sorted:], n-c.sorted)
	slices.SortFunc(c.list[c.sorted:n], compare)
	c.sorted = n
}

// quickSelect moves the n best entries to the front, in any order.
func quickSelect(list []cand, n int) {
	for n > 0 && n < len(list) {
		mid := partition(list)
		switch {
		case mid == n || mid+1 == n:
			return
		case mid > n:
			list = list[:mid]
		default:
			list, n = list[mid+1:], n-mid-1
		}
	}
}

// partition splits list around a pivot, the median of three: what is better
// goes before it, what is worse behind. It returns the pivot's place.
func partition(list []cand) int {
	a, b, c := 0, len(list)/2, len(list)-1
	if compare(list[b], list[a]) < 0 {
		a, b = b, a
	}
	if compare(list[c], list[a]) < 0 {
		c = a
	}
	if compare(list[c], list[b]) < 0 {
		b = c
	}
	last := len(list) - 1
	list[b], list[last] = list[last], list[b]
	pivot, at := list[last], 0
	for i := range last {
		if compare(list[i], pivot) < 0 {
			list[i], list[at] = list[at], list[i]
			at++
		}
	}
	list[at], list[last] = list[last], list[at]
	return at
}

// maxLogit returns the largest logit. The list must not be empty.
func (c *candidates) maxLogit() float32 {
	if c.sorted > 0 {
		return c.list[0].logit
	}
	m := c.list[0].logit
	for _, x := range c.list[1:] {
		m = max(m, x.logit)
	}
	return m
}

// weigh sets p = exp(logit - best) and returns the sum.
func (c *candidates) weigh() float64 {
	m := c.maxLogit()
	sum := 0.0
	for i := range c.list {
		x := &c.list[i]
		x.p = math.Exp(float64(x.logit) - float64(m))
		sum += x.p
	}
	return sum
}

// entropy returns the entropy in nats of weights p with the given sum.
func (c *candidates) entropy(sum float64) float64 {
	h := 0.0
	for _, x := range c.list {
		if q := x.p / sum; q > 0 {
			h -= q * math.Log(q)
		}
	}
	return h
}

func (c *candidates) cut(n int) {
	c.list = c.list[:n]
	c.sorted = min(c.sorted, n)
}

// best returns the id of the best candidate.
func (c *candidates) best() int32 {
	return slices.MinFunc(c.list, compare).id
}

// pick returns the index that a uniform u in [0,1) falls on.
func (c *candidates) pick(u float64) int {
	u *= c.weigh()
	last := 0
	for i, x := range c.list {
		if x.p == 0 {
			continue
		}
		if u -= x.p; u < 0 {
			return i
		}
		last = i
	}
	return last // rounding left a crumb
}
