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
	merge
	pos, left, right int32
}

func (p *pending) before(q *pending) bool {
	if p.rank != q.rank {
		return p.rank < q.rank
	}
	return p.pos < q.pos
}

func (x *pairIndex) mergeLong(w []int32, l *longWord) []int32 {
	l.links, l.heap = l.links[:0], l.heap[:0]
	for i, id := range w {
		l.links = append(l.links, link{id, int32(i) - 1, int32(i) + 1}) //nolint:gosec // a word is below 2 GiB
	}
	l.links[len(w)-1].next = noID
	for i := range w[1:] {
		l.push(x, int32(i)) //nolint:gosec // see above
	}
	for len(l.heap) > 0 {
		p := l.pop()
		a := &l.links[p.pos]
		if a.id != p.left || a.next == noID || l.links[a.next].id != p.right {
			continue
		}
		b := &l.links[a.next]
		a.id, b.id = p.id, noID
		a.next = b.next
		if a.next != noID {
			l.links[a.next].prev = p.pos
			l.push(x, p.pos)
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

// push enters the pair that begins at pos into the heap if it joins.
func (l *longWord) push(x *pairIndex, pos int32) {
	left := l.links[pos].id
	right := l.links[l.links[pos].next].id
	m := x.find(left, right)
	if m.id == noID {
		return
	}
	p := pending{m, pos, left, right}
	h := append(l.heap, p)
	i := len(h) - 1
	for i > 0 {
		up := (i - 1) / 2
		if !p.before(&h[up]) {
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
	h := l.heap
	top, p := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	i := 0
	for {
		down := 2*i + 1
		if down >= len(h) {
			break
		}
		if down+1 < len(h) && h[down+1].before(&h[down]) {
			down++
		}
		if !h[down].before(&p) {
			break
		}
		h[i] = h[down]
		i = down
	}
	if len(h) > 0 {
		h[i] = p
	}
	l.heap = h
	return top
}
