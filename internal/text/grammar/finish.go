package grammar

import (
	"container/heap"
	"fmt"
	"slices"
)

// finish checks a program and computes what running it needs.
func (p *program) finish() error {
	p.distances()
	if p.rules[0].dist >= farAway {
		return fmt.Errorf("%w", ErrEmpty)
	}
	p.trim()
	return p.leftRecursion()
}

// distances computes, for each state and rule, the fewest bytes to its end.
// States are settled nearest first, so that a rule's length is final when its
// callers use it (Knuth's form of Dijkstra's algorithm). What stays far away
// can never end.
func (p *program) distances() {
	d := &distancer{p: p, back: make([][]int32, len(p.states)), users: make([][]int32, len(p.rules)), owner: make([]int32, len(p.states))}
	for i := range d.owner {
		d.owner[i] = -1
		p.states[i].dist = farAway
	}
	for i := range p.rules {
		d.owner[p.rules[i].start] = int32(i)
		p.rules[i].dist = farAway
	}
	for i := range p.states {
		d.link(int32(i))
	}
	for i := range p.states {
		d.improve(int32(i))
	}
	for d.heap.Len() > 0 {
		it := heap.Pop(&d.heap).(distItem)
		if it.dist != p.states[it.state].dist {
			continue
		}
		for _, s := range d.back[it.state] {
			d.improve(s)
		}
		if r := d.owner[it.state]; r >= 0 {
			p.rules[r].dist = it.dist
			for _, s := range d.users[r] {
				d.improve(s)
			}
		}
	}
}

type distancer struct {
	p     *program
	back  [][]int32 // states that lead to a state
	users [][]int32 // states that call a rule
	owner []int32   // the rule that begins in a state
	heap  distHeap
}

func (d *distancer) link(s int32) {
	st := &d.p.states[s]
	for _, e := range st.edges {
		d.back[e.to] = append(d.back[e.to], s)
	}
	for _, t := range st.eps {
		d.back[t] = append(d.back[t], s)
	}
	for _, e := range st.specials {
		d.back[e.to] = append(d.back[e.to], s)
	}
	for _, c := range st.calls {
		d.back[c.ret] = append(d.back[c.ret], s)
		d.users[c.rule] = append(d.users[c.rule], s)
	}
	if st.loop != nil {
		d.users[st.loop.body] = append(d.users[st.loop.body], s)
	}
	if g := st.bag; g != nil {
		for _, r := range slices.Concat(g.first, g.later, g.extra0, g.extra1) {
			d.users[r] = append(d.users[r], s)
		}
	}
}

// improve computes a state's distance from what is known now.
func (d *distancer) improve(s int32) {
	p := d.p
	st := &p.states[s]
	best := st.dist
	if st.final {
		best = 0
	}
	for _, e := range st.edges {
		best = min(best, p.states[e.to].dist+1)
	}
	for _, t := range st.eps {
		best = min(best, p.states[t].dist)
	}
	for _, e := range st.specials {
		best = min(best, p.states[e.to].dist+int64(len(p.specials[e.text].text)))
	}
	for _, c := range st.calls {
		best = min(best, p.rules[c.rule].dist+p.states[c.ret].dist)
	}
	if st.loop != nil {
		best = min(best, p.loopDist(st.loop, 0))
	}
	if st.bag != nil {
		best = min(best, p.bagDist(st.bag, 0))
	}
	if best < st.dist && best < farAway {
		st.dist = best
		heap.Push(&d.heap, distItem{s, best})
	}
}

// loopDist is the fewest bytes to the end of a loop that went round count times.
func (p *program) loopDist(l *loop, count int64) int64 {
	left := l.min - count
	if left <= 0 {
		return 0
	}
	body := p.rules[l.body].dist
	if body >= farAway || body > farAway/left {
		return farAway
	}
	return left * body
}

// bagDist is the fewest bytes to the end of a bag with these members written.
func (p *program) bagDist(g *bag, have uint64) int64 {
	var total int64
	written := bagCount(have)
	var others []int64
	add := func(first, later []int32, i int) int64 {
		r := later[i]
		if have == 0 && written == 0 {
			r = first[i]
		}
		return p.rules[r].dist
	}
	for i := range g.first {
		bit := uint64(1) << i
		if have&bit != 0 {
			continue
		}
		dist := add(g.first, g.later, i)
		if g.required&bit != 0 {
			total += dist
			written++
		} else {
			others = append(others, dist)
		}
		if total >= farAway {
			return farAway
		}
	}
	slices.Sort(others)
	for _, dist := range others {
		if written >= g.min {
			break
		}
		total += dist
		written++
	}
	if written < g.min && len(g.extra0) > 0 {
		total += (g.min - written) * add(g.extra0, g.extra1, 0)
		written = g.min
	}
	if written < g.min || g.max >= 0 && written > g.max || total >= farAway {
		return farAway
	}
	return total
}

// trim removes what can never lead to an end, so that a matcher cannot run
// into a dead end.
func (p *program) trim() {
	dead := func(s int32) bool { return p.states[s].dist >= farAway }
	deadRule := func(r int32) bool { return p.rules[r].dist >= farAway }
	for i := range p.states {
		st := &p.states[i]
		st.edges = slices.DeleteFunc(st.edges, func(e edge) bool { return dead(e.to) })
		st.eps = slices.DeleteFunc(st.eps, dead)
		st.specials = slices.DeleteFunc(st.specials, func(e specialEdge) bool { return dead(e.to) })
		st.calls = slices.DeleteFunc(st.calls, func(c callEdge) bool { return dead(c.ret) || deadRule(c.rule) })
	}
	for i := range p.states {
		st := &p.states[i]
		st.tail = p.onlyEnds(st, 0)
		if st.loop != nil && deadRule(st.loop.body) {
			st.loop.max = 0
		}
		if g := st.bag; g != nil {
			g.extra0 = slices.DeleteFunc(g.extra0, deadRule)
			g.extra1 = slices.DeleteFunc(g.extra1, deadRule)
		}
	}
}

// onlyEnds reports whether a state can do nothing but end its rule.
func (p *program) onlyEnds(st *state, depth int) bool {
	if len(st.edges)+len(st.calls)+len(st.specials) > 0 || st.loop != nil || st.bag != nil {
		return false
	}
	if len(st.eps) == 0 {
		return st.final
	}
	return len(st.eps) == 1 && !st.final && depth < 16 && p.onlyEnds(&p.states[st.eps[0]], depth+1)
}

// leftRecursion returns an error if a rule can call itself before it has read a
// byte: following it would never end.
func (p *program) leftRecursion() error {
	const (
		busy = 1
		done = 2
	)
	mark := make([]uint8, len(p.rules))
	type frame struct {
		rule  int32
		calls []int32
	}
	var stack []frame
	for r := range p.rules {
		if mark[r] != 0 || p.rules[r].dist >= farAway {
			continue
		}
		mark[r] = busy
		stack = append(stack, frame{int32(r), p.firstCalls(int32(r))})
		for len(stack) > 0 {
			f := &stack[len(stack)-1]
			if len(f.calls) == 0 {
				mark[f.rule] = done
				stack = stack[:len(stack)-1]
				continue
			}
			next := f.calls[0]
			f.calls = f.calls[1:]
			switch mark[next] {
			case busy:
				return fmt.Errorf("rule %q can begin with itself (left recursion): write it as a repetition", p.rules[next].name)
			case 0:
				mark[next] = busy
				stack = append(stack, frame{next, p.firstCalls(next)})
			}
		}
	}
	return nil
}

// firstCalls returns the rules that a rule may call before it reads a byte.
func (p *program) firstCalls(r int32) []int32 {
	var out []int32
	seen := map[int32]bool{}
	work := []int32{p.rules[r].start}
	for len(work) > 0 {
		s := work[len(work)-1]
		work = work[:len(work)-1]
		if seen[s] {
			continue
		}
		seen[s] = true
		st := &p.states[s]
		work = append(work, st.eps...)
		for _, c := range st.calls {
			out = append(out, c.rule)
			if p.rules[c.rule].dist == 0 {
				work = append(work, c.ret)
			}
		}
		if st.loop != nil && p.rules[st.loop.body].dist < farAway {
			out = append(out, st.loop.body)
		}
		if g := st.bag; g != nil {
			for _, m := range slices.Concat(g.first, g.extra0) {
				if p.rules[m].dist < farAway {
					out = append(out, m)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

type distItem struct {
	state int32
	dist  int64
}

type distHeap []distItem

func (h distHeap) Len() int           { return len(h) }
func (h distHeap) Less(i, j int) bool { return h[i].dist < h[j].dist }
func (h distHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *distHeap) Push(x any)        { *h = append(*h, x.(distItem)) }
func (h *distHeap) Pop() any {
	old := *h
	it := old[len(old)-1]
	*h = old[:len(old)-1]
	return it
}
