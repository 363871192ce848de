package grammar

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// A dfa is a finite automaton over bytes that is always in one state, the first
// one at the start. Regular pieces become one where they must be combined:
// a pattern and a length, a range and a multiple, all names but these.
type dfa struct{ states []dfaState }

type dfaState struct {
	edges  []edge // sorted, without overlap
	accept bool
}

// work counts down what making automata may still cost, in visited states: a
// schema with many patterns must not take many times what one may.
type work struct{ left int }

const maxDFAWork = 10_000_000

func newWork() *work { return &work{maxDFAWork} }

func (w *work) spend(n int) error {
	if w.left -= n; w.left < 0 {
		return tooLarge("its patterns and limits take too long to combine")
	}
	return nil
}

// toDFA makes the automaton of a node without recursion.
func toDFA(w *work, n *node) (*dfa, error) {
	b := &builder{p: &program{plain: -1}, flat: true, limit: maxDFAStates * 4}
	start, err := b.newState()
	if err != nil {
		return nil, err
	}
	end, err := b.add(n, start)
	if err != nil {
		return nil, err
	}
	if err := w.spend(len(b.p.states)); err != nil {
		return nil, err
	}
	return determinize(w, b.p.states, start, end)
}

// determinize is the subset construction.
func determinize(w *work, nfa []state, start, end int32) (*dfa, error) {
	d := &dfa{}
	ids := map[string]int32{}
	var sets [][]int32
	mark := make([]int32, len(nfa))
	stamp := int32(0)
	intern := func(seed []int32) int32 {
		stamp++
		set := closure(nfa, seed, mark, stamp)
		key := make([]byte, 0, 4*len(set))
		for _, s := range set {
			key = binary.LittleEndian.AppendUint32(key, uint32(s))
		}
		id, ok := ids[string(key)]
		if !ok {
			id = int32(len(sets))
			ids[string(key)] = id
			sets = append(sets, set)
			d.states = append(d.states, dfaState{accept: slices.Contains(set, end)})
		}
		return id
	}
	intern([]int32{start})
	var seed []int32
	for i := 0; i < len(sets); i++ { //nolint:intrange // the list grows
		if len(sets) > maxDFAStates {
			return nil, tooLarge("a pattern needs more than %d states", maxDFAStates)
		}
		cuts := cutPoints(nfa, sets[i])
		if err := w.spend(len(sets[i]) * len(cuts)); err != nil {
			return nil, err
		}
		for k := 0; k+1 < len(cuts); k++ {
			c := cuts[k]
			seed = seed[:0]
			for _, s := range sets[i] {
				for _, e := range nfa[s].edges {
					if int(e.lo) <= c && c <= int(e.hi) {
						seed = append(seed, e.to)
					}
				}
			}
			if len(seed) > 0 {
				to := intern(seed)
				d.states[i].addEdge(byte(c), byte(cuts[k+1]-1), to)
			}
		}
	}
	return d.trim()
}

// addEdge appends an edge, joined with the last one where possible.
func (s *dfaState) addEdge(lo, hi byte, to int32) {
	if n := len(s.edges); n > 0 && s.edges[n-1].to == to && int(s.edges[n-1].hi)+1 == int(lo) {
		s.edges[n-1].hi = hi
		return
	}
	s.edges = append(s.edges, edge{lo, hi, to})
}

func closure(nfa []state, seed, mark []int32, stamp int32) []int32 {
	var set []int32
	work := slices.Clone(seed)
	for len(work) > 0 {
		s := work[len(work)-1]
		work = work[:len(work)-1]
		if mark[s] == stamp {
			continue
		}
		mark[s] = stamp
		set = append(set, s)
		work = append(work, nfa[s].eps...)
	}
	slices.Sort(set)
	return set
}

// cutPoints returns the bytes where the behaviour of a set may change, and 256
// at the end.
func cutPoints(nfa []state, set []int32) []int {
	var at [257]bool
	for _, s := range set {
		for _, e := range nfa[s].edges {
			at[e.lo], at[int(e.hi)+1] = true, true
		}
	}
	at[256] = true
	var cuts []int
	for c, ok := range at {
		if ok {
			cuts = append(cuts, c)
		}
	}
	return cuts
}

// product runs two automata side by side. With minus, it accepts what a accepts
// and b does not, else what both accept.
func product(w *work, a, b *dfa, minus bool) (*dfa, error) {
	type pair struct{ a, b int32 } // b -1: it has died
	d := &dfa{}
	ids := map[pair]int32{}
	var pairs []pair
	intern := func(p pair) int32 {
		id, ok := ids[p]
		if !ok {
			id = int32(len(pairs))
			ids[p] = id
			pairs = append(pairs, p)
			inB := p.b >= 0 && b.states[p.b].accept
			d.states = append(d.states, dfaState{accept: a.states[p.a].accept && inB != minus})
		}
		return id
	}
	intern(pair{0, 0})
	for i := 0; i < len(pairs); i++ { //nolint:intrange // the list grows
		if len(pairs) > maxDFAStates {
			return nil, tooLarge("patterns and limits together need more than %d states", maxDFAStates)
		}
		p := pairs[i]
		if err := w.spend(len(a.states[p.a].edges) + 1); err != nil {
			return nil, err
		}
		for _, e := range a.states[p.a].edges {
			for lo := int(e.lo); lo <= int(e.hi); {
				to, hi := int32(-1), e.hi
				if p.b >= 0 {
					to, hi = b.states[p.b].at(byte(lo), e.hi)
				}
				if to >= 0 || minus {
					d.states[i].addEdge(byte(lo), hi, intern(pair{e.to, to}))
				}
				lo = int(hi) + 1
			}
		}
	}
	return d.trim()
}

// at returns where a byte leads, -1 if nowhere, and the last byte up to limit
// for which that is so.
func (s *dfaState) at(c, limit byte) (to int32, hi byte) {
	for _, e := range s.edges {
		if e.lo > c {
			return -1, min(limit, e.lo-1)
		}
		if c <= e.hi {
			return e.to, min(limit, e.hi)
		}
	}
	return -1, limit
}

// trim removes the states that cannot lead to acceptance.
func (d *dfa) trim() (*dfa, error) {
	back := make([][]int32, len(d.states))
	for i := range d.states {
		for _, e := range d.states[i].edges {
			back[e.to] = append(back[e.to], int32(i))
		}
	}
	alive := make([]bool, len(d.states))
	var work []int32
	for i := range d.states {
		if d.states[i].accept {
			alive[i] = true
			work = append(work, int32(i))
		}
	}
	for len(work) > 0 {
		s := work[len(work)-1]
		work = work[:len(work)-1]
		for _, b := range back[s] {
			if !alive[b] {
				alive[b] = true
				work = append(work, b)
			}
		}
	}
	if !alive[0] {
		return nil, fmt.Errorf("%w: the limits contradict each other", ErrEmpty)
	}
	number := make([]int32, len(d.states))
	out := &dfa{}
	for i := range d.states {
		if alive[i] {
			number[i] = int32(len(out.states))
			out.states = append(out.states, d.states[i])
		}
	}
	for i := range out.states {
		var edges []edge
		for _, e := range out.states[i].edges {
			if alive[e.to] {
				edges = append(edges, edge{e.lo, e.hi, number[e.to]})
			}
		}
		out.states[i].edges = edges
	}
	return out, nil
}

// match reports whether the automaton accepts s.
func (d *dfa) match(s string) bool {
	at := int32(0)
	for i := range len(s) {
		if at, _ = d.states[at].at(s[i], s[i]); at < 0 {
			return false
		}
	}
	return d.states[at].accept
}

// nonEmpty returns the automaton without the empty text.
func (d *dfa) nonEmpty() *dfa {
	// The new first state behaves like the old one, which stays reachable.
	n := int32(len(d.states))
	out := &dfa{states: append(slices.Clone(d.states), d.states[0])}
	out.states[0] = dfaState{edges: slices.Clone(d.states[0].edges)}
	for i := range out.states {
		out.states[i].edges = slices.Clone(out.states[i].edges)
		for k := range out.states[i].edges {
			if out.states[i].edges[k].to == 0 {
				out.states[i].edges[k].to = n
			}
		}
	}
	return out
}

// intersect combines automata; nil ones are left out. It returns nil for none.
func intersect(w *work, ds ...*dfa) (*dfa, error) {
	var out *dfa
	for _, d := range ds {
		switch {
		case d == nil:
		case out == nil:
			out = d
		default:
			var err error
			if out, err = product(w, out, d, false); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// choiceDFA accepts exactly the texts, sharing their beginnings.
func choiceDFA(texts []string) (*dfa, error) {
	d := &dfa{states: make([]dfaState, 1)}
	sorted := slices.Clone(texts)
	slices.Sort(sorted)
	for _, s := range slices.Compact(sorted) {
		at := int32(0)
		for i := range len(s) {
			// Texts come in order, so a shared edge is the last one.
			if n := len(d.states[at].edges); n > 0 && d.states[at].edges[n-1].lo == s[i] {
				at = d.states[at].edges[n-1].to
				continue
			}
			if len(d.states) >= maxStates {
				return nil, tooLarge("a choice of texts needs more than %d states", maxStates)
			}
			next := int32(len(d.states))
			d.states = append(d.states, dfaState{})
			d.states[at].edges = append(d.states[at].edges, edge{s[i], s[i], next})
			at = next
		}
		d.states[at].accept = true
	}
	return d, nil
}

// choice is one of the texts.
func choice(texts []string) (*node, error) {
	if len(texts) == 1 {
		return lit(texts[0]), nil
	}
	d, err := choiceDFA(texts)
	if err != nil {
		return nil, err
	}
	return &node{op: opDFA, dfa: d}, nil
}

// textWithout is any text in which none of the stops occurs.
func textWithout(stops []string) (*node, error) {
	d, err := withoutDFA(newWork(), stops)
	if err != nil {
		return nil, err
	}
	return &node{op: opDFA, dfa: d}, nil
}

func withoutDFA(w *work, stops []string) (*dfa, error) {
	alts := make([]*node, 0, len(stops))
	for _, s := range stops {
		if s == "" {
			return nil, fmt.Errorf("a stop text is empty")
		}
		alts = append(alts, lit(s))
	}
	text := star(&node{op: opSet, set: anyRune})
	all, err := toDFA(w, text)
	if err != nil || len(alts) == 0 {
		return all, err
	}
	with, err := toDFA(w, seq(text, alt(alts...), text))
	if err != nil {
		return nil, err
	}
	free, err := product(w, all, with, true)
	if err != nil {
		return nil, err
	}
	return free.minimal(), nil
}

// minimal returns the automaton with the fewest states: it splits the states
// into classes until those of one class go on alike. Fewer states are fewer
// masks to compute.
func (d *dfa) minimal() *dfa {
	class := make([]int32, len(d.states))
	for count := 0; ; {
		ids := map[string]int32{}
		next := make([]int32, len(d.states))
		for i := range d.states {
			key := binary.LittleEndian.AppendUint32(nil, uint32(class[i]))
			if d.states[i].accept {
				key = append(key, 1)
			}
			var merged dfaState // edges into one class count as one
			for _, e := range d.states[i].edges {
				merged.addEdge(e.lo, e.hi, class[e.to])
			}
			for _, e := range merged.edges {
				key = binary.LittleEndian.AppendUint32(append(key, e.lo, e.hi), uint32(e.to))
			}
			id, ok := ids[string(key)]
			if !ok {
				id = int32(len(ids))
				ids[string(key)] = id
			}
			next[i] = id
		}
		class = next
		if len(ids) == count {
			break
		}
		count = len(ids)
	}
	out := &dfa{}
	for i, c := range class {
		if int(c) < len(out.states) {
			continue
		}
		s := dfaState{accept: d.states[i].accept} // classes are numbered as they come
		for _, e := range d.states[i].edges {
			s.addEdge(e.lo, e.hi, class[e.to])
		}
		out.states = append(out.states, s)
	}
	return out
}
