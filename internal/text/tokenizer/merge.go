package tokenizer

import "math"

// noRank is above every rank of a merge.
const noRank int32 = math.MaxInt32

// shortWord is the number of symbols up to which a word is merged by searching
// the lowest rank anew each time. That costs the square of the length, but for
// short words it beats the heap, which costs n log n.
const shortWord = 48

// mergeWord joins neighbouring symbols of w until no pair is left that joins:
// the lowest rank first, the leftmost first among equals. It works in place and
// returns what is left of w.
func (x *pairIndex) mergeWord(w []int32, l *longWord) []int32 {
	if len(w) <= shortWord {
		return x.mergeShort(w)
	}
	return x.mergeLong(w, l)
}

func (x *pairIndex) mergeShort(w []int32) []int32 {
	var ms [shortWord]merge // ms[i] is the merge of w[i] and w[i+1]
	n := len(w)
	for i := 0; i+1 < n; i++ {
		ms[i] = x.find(w[i], w[i+1])
	}
	for n > 1 {
		best := 0
		for i := 1; i < n-1; i++ {
			if ms[i].rank < ms[best].rank {
				best = i
			}
		}
		if ms[best].rank == noRank {
			break
		}
		w[best] = ms[best].id
		copy(w[best+1:n-1], w[best+2:n])
		copy(ms[best:n-2], ms[best+1:n-1])
		n--
		if best+1 < n {
			ms[best] = x.find(w[best], w[best+1])
		}
		if best > 0 {
			ms[best-1] = x.find(w[best-1], w[best])
		}
	}
	return w[:n]
}

// A longWord is the memory for merging one long word: a list of symbols and a
// heap of the pairs that may be joined.
type longWord struct {
	links []link
	heap  []pending
}

// A link is a symbol of the word in text order.
type link struct{ id, prev, next int32 }

// A pending pair joined when it was pushed: the symbol at pos with the one
// behind it. It is stale if either has changed since.
type pending struct {
	order           uint64 // rank<<32 | pos: the lowest rank first, then the leftmost
	left, right, id int32
}

func (x *pairIndex) mergeLong(w []int32, l *longWord) []int32 {
	l.links, l.heap = l.links[:0], l.heap[:0]
	for i, id := range w {
		l.links = append(l.links, link{id, int32(i) - 1, int32(i) + 1}) //nolint:gosec // a word is below 2 GiB
	}
	l.links[len(w)-1].next = noID
	for i := range w[1:] {
		if p := l.pair(x, int32(i)); p.id != noID { //nolint:gosec // see above
			l.heap = append(l.heap, p)
		}
	}
	for i := len(l.heap)/2 - 1; i >= 0; i-- {
		l.sink(i, l.heap[i])
	}
	for len(l.heap) > 0 {
		p := l.pop()
		pos := int32(p.order & math.MaxInt32) //nolint:gosec // masked
		a := &l.links[pos]
		if a.id != p.left || a.next == noID || l.links[a.next].id != p.right {
			continue
		}
		b := &l.links[a.next]
		a.id, b.id = p.id, noID
		a.next = b.next
		if a.next != noID {
			l.links[a.next].prev = pos
			l.push(x, pos)
		}
		if a.prev != noID {
			l.push(x, a.prev)
		}
	}
	n := 0
	for i := int32(0); i != noID; i = l.links[i].next {
		w[n] = l.links[i].id
		n++
	}
	return w[:n]
}

// pair returns the pair that begins at pos, with id noID if it does not join.
func (l *longWord) pair(x *pairIndex, pos int32) pending {
	left := l.links[pos].id
	right := l.links[l.links[pos].next].id
	m := x.find(left, right)
	return pending{uint64(m.rank)<<32 | uint64(pos), left, right, m.id} //nolint:gosec // neither is negative
}

// push enters the pair that begins at pos into the heap if it joins.
func (l *longWord) push(x *pairIndex, pos int32) {
	p := l.pair(x, pos)
	if p.id == noID {
		return
	}
	h := append(l.heap, p)
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if h[up].order <= p.order {
			break
		}
		h[i] = h[up]
		i = up
	}
	h[i] = p
	l.heap = h
}

// pop takes the first pair off the heap.
func (l *longWord) pop() pending {
	n := len(l.heap) - 1
	top, last := l.heap[0], l.heap[n]
	l.heap = l.heap[:n]
	if n > 0 {
		l.sink(0, last)
	}
	return top
}

// sink puts p where it belongs at or below i, whose pair moves up or is dropped.
func (l *longWord) sink(i int, p pending) {
	h := l.heap
	for {
		down := 2*i + 1
		if down >= len(h) {
			break
		}
		if down+1 < len(h) && h[down+1].order < h[down].order {
			down++
		}
		if p.order <= h[down].order {
			break
		}
		h[i] = h[down]
		i = down
	}
	h[i] = p
}
