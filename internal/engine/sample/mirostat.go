package sample

import "math"

// mirostatM is how many of the best tokens the first version looks at.
const mirostatM = 100

// mirostat draws a token and moves mu so that the surprise of what is drawn
// (-log2 p, in bits) stays near tau. Basu et al., arXiv 2007.14966.
func (s *Sampler) mirostat(sc *Scratch, logits []float32) (int32, bool) {
	o, c := &s.opts, &sc.cands
	if o.Temperature <= 0 {
		return argMax(logits)
	}
	c.collect(logits, 0, float32(math.Inf(-1)))
	if len(c.list) == 0 {
		return 0, false
	}
	c.temperature(o)
	if o.Mirostat == 1 {
		k := c.zipfK(s.mu, len(logits))
		c.sortFirst(k)
		c.cut(k)
	} else {
		c.dropSurprising(s.mu)
	}
	i := c.pick(s.rng.float64())
	sum := 0.0
	for _, x := range c.list {
		sum += x.p
	}
	surprise := -math.Log2(c.list[i].p / sum)
	s.mu -= o.MirostatEta * (surprise - o.MirostatTau)
	return c.list[i].id, true
}

// zipfK is mirostat 1: it fits Zipf's law to the best tokens and returns how
// many of them give a surprise of mu.
func (c *candidates) zipfK(mu float64, vocab int) int {
	c.sortFirst(mirostatM)
	c.weigh()
	num, den := 0.0, 0.0
	for i := 0; i+1 < min(mirostatM, len(c.list)); i++ {
		if c.list[i+1].p == 0 {
			break
		}
		t := math.Log(float64(i+2) / float64(i+1))
		num += t * math.Log(c.list[i].p/c.list[i+1].p)
		den += t * t
	}
	if den == 0 {
		return 1
	}
	sHat := num / den
	eps := sHat - 1
	k := math.Pow(eps*math.Exp2(mu)/(1-math.Pow(float64(vocab), -eps)), 1/sHat)
	if !(k >= 1) { // also NaN, which eps = 0 and sHat = 0 give
		return 1
	}
	return int(min(k, float64(len(c.list))))
}

// dropSurprising is mirostat 2: it drops what surprises more than mu bits.
func (c *candidates) dropSurprising(mu float64) {
	sum := c.weigh()
	best := c.best()
	kept := 0
	for _, x := range c.list {
		if x.id == best || -math.Log2(x.p/sum) <= mu {
			c.list[kept] = x
			kept++
		}
	}
	c.list, c.sorted = c.list[:kept], 0
	c.sortFirst(kept)
}
