package sample

import (
	"math"
	"slices"
)

// sigmaFloor returns the lowest logit that top-n-sigma keeps: n standard
// deviations below the best. The noise of a language model's logits is nearly
// Gaussian, and what a model means stands out of it.
func sigmaFloor(logits []float32, n float64) float32 {
	if n <= 0 {
		return float32(math.Inf(-1))
	}
	best, sum, count := math.Inf(-1), 0.0, 0
	for _, l := range logits {
		if v := float64(l); !math.IsInf(v, 0) && v == v {
			best, sum, count = max(best, v), sum+v, count+1
		}
	}
	if count == 0 {
		return float32(math.Inf(-1))
	}
	mean, variance := sum/float64(count), 0.0
	for _, l := range logits {
		if v := float64(l); !math.IsInf(v, 0) && v == v {
			variance += (v - mean) * (v - mean)
		}
	}
	return float32(best - n*math.Sqrt(variance/float64(count)))
}

// topP keeps the best candidates until their probability reaches p. It sorts
// no more of the list than that takes.
func (c *candidates) topP(p float64) {
	if p >= 1 {
		return
	}
	target := p * c.weigh()
	c.dropTail(target)
	cum, i := 0.0, 0
	for n := 64; ; n *= 4 {
		c.sortFirst(n)
		for ; i < c.sorted; i++ {
			if cum += c.list[i].p; cum >= target {
				c.cut(i + 1)
				return
			}
		}
		if c.sorted == len(c.list) {
			return
		}
	}
}

const (
	tailBuckets = 512
	tailWidth   = 1.0 / 16 // of a logit
	tailLeast   = 2048     // candidates, fewer than which are sorted as they are
)

// dropTail drops candidates that certainly lie beyond the best ones with a
// weight of target, before anything is sorted. It weighs the candidates in
// buckets by their distance from the best logit, and keeps one bucket more than
// needed, so that rounding cannot make a difference.
func (c *candidates) dropTail(target float64) {
	if c.sorted > 0 || len(c.list) < tailLeast {
		return
	}
	best := c.maxLogit()
	clear(c.buckets[:])
	for _, x := range c.list {
		c.buckets[bucket(best, x.logit)] += x.p
	}
	cum, last := 0.0, 0
	for ; last < tailBuckets && cum < target; last++ {
		cum += c.buckets[last]
	}
	if last+1 >= tailBuckets {
		return
	}
	kept := 0
	for _, x := range c.list {
		if bucket(best, x.logit) <= last {
			c.list[kept] = x
			kept++
		}
	}
	c.list = c.list[:kept]
}

func bucket(best, logit float32) int {
	return int(min((best-logit)/tailWidth, tailBuckets-1))
}

// minP drops candidates less likely than p times the best.
func (c *candidates) minP(p float64) {
	if p <= 0 {
		return
	}
	floor := float64(c.maxLogit()) + math.Log(p)
	kept, sorted := 0, 0
	for i, x := range c.list {
		if float64(x.logit) < floor {
			continue
		}
		c.list[kept] = x
		kept++
		if i < c.sorted {
			sorted = kept
		}
	}
	if kept == 0 { // p is 1 and rounding went the wrong way
		kept = 1
		c.list[0] = slices.MinFunc(c.list, compare)
	}
	c.list, c.sorted = c.list[:kept], sorted
}

// typical keeps the candidates whose surprise is nearest to what is expected
// of the whole distribution, until they hold more than p of it.
func (c *candidates) typical(p float64) {
	sum := c.weigh()
	h := c.entropy(sum)
	c.sortFirst(len(c.list)) // a fixed order below equal distances
	slices.SortStableFunc(c.list, func(a, b cand) int {
		x, y := math.Abs(-math.Log(a.p/sum)-h), math.Abs(-math.Log(b.p/sum)-h)
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
	c.sorted = 0
	cum := 0.0
	for i, x := range c.list {
		if cum += x.p / sum; cum > p {
			c.cut(i + 1)
			break
		}
	}
}

// xtc removes the top choices, all but the least likely of those that reach
// the threshold: a detour that still makes sense.
func (c *candidates) xtc(threshold float64) {
	sum := c.weigh()
	c.sortFirst(len(c.list))
	last := -1
	for i, x := range c.list {
		if x.p/sum < threshold {
			break
		}
		last = i
	}
	if last > 0 {
		n := copy(c.list, c.list[last:])
		c.list, c.sorted = c.list[:n], n
	}
}

// temperature divides the logits. The dynamic one moves with the entropy:
// where the model is sure it stays low, where it wavers it rises.
func (c *candidates) temperature(o *Options) {
	t := o.Temperature
	if o.DynTempRange > 0 && len(c.list) > 1 {
		lo, hi := max(0, t-o.DynTempRange), t+o.DynTempRange
		h := c.entropy(c.weigh()) / math.Log(float64(len(c.list)))
		t = lo + (hi-lo)*math.Pow(max(h, 0), o.DynTempExponent)
	}
	t = max(t, 1e-6) // so that no logit divided by it overflows into NaN
	best := c.maxLogit()
	for i := range c.list {
		// Relative to the best one: the same probabilities, and no overflow.
		c.list[i].logit = float32((float64(c.list[i].logit) - float64(best)) / t)
	}
}
