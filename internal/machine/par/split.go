package par

import "sync/atomic"

// Split returns worker w's contiguous share [lo, hi) of 0..n, cut at multiples
// of grain. The shares of all workers 0..size-1 cover 0..n without overlap and
// differ by at most one grain. It panics if grain or size is not positive.
func Split(n, grain, w, size int) (lo, hi int) {
	if grain <= 0 || size <= 0 {
		panic("par: Split with a grain or size that is not positive")
	}
	units := (n + grain - 1) / grain
	lo, hi = units*w/size*grain, units*(w+1)/size*grain
	return min(lo, n), min(hi, n)
}

// A Claim hands out pieces of 0..n to whoever comes first, for work whose
// pieces take unequal time. The zero value is ready. What a piece computes must
// not depend on who computes it.
type Claim struct {
	_    [lineSize]byte
	next atomic.Int64
	_    [lineSize - 8]byte
}

// Reset starts over. One worker calls it, and a Barrier separates it from the
// first Next of the others.
func (c *Claim) Reset() { c.next.Store(0) }

// Next claims the next piece of at most grain items of 0..n. ok is false when
// nothing is left.
func (c *Claim) Next(grain, n int) (lo, hi int, ok bool) {
	// Looking first keeps the counter from growing without bound when workers
	// ask again after the end.
	if c.next.Load() >= int64(n) {
		return n, n, false
	}
	lo = int(c.next.Add(int64(grain))) - grain
	if lo >= n {
		return n, n, false
	}
	return lo, min(lo+grain, n), true
}

// NextShrinking claims the next piece of 0..n in multiples of least, for size
// workers who all ask in this way. Pieces are half of an even share of what is left:
// large ones first, which are quick to hand out and read in one go, and at the end
// small ones, so that nobody waits long for the last.
func (c *Claim) NextShrinking(least, n, size int) (lo, hi int, ok bool) {
	for {
		at := c.next.Load()
		if at >= int64(n) {
			return n, n, false
		}
		piece := max((n-int(at))/(2*size*least), 1) * least
		if c.next.CompareAndSwap(at, at+int64(piece)) {
			return int(at), min(int(at)+piece, n), true
		}
	}
}
