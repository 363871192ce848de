package grammar

import (
	"errors"
	"math/bits"
	"slices"
)

// ErrTooComplex is wrapped by errors about grammars so ambiguous, or answers so
// deeply nested, that following them would take too much time or memory.
var ErrTooComplex = errors.New("the grammar is too ambiguous or the answer too deeply nested")

const (
	maxItems = 4096    // stacks in one configuration
	maxDepth = 4096    // nodes of one stack
	maxWork  = 1 << 23 // stack nodes visited in one call

	// Beyond these an arena is emptied, between two tokens.
	softConfigs = 1024
	softNodes   = 1 << 16
)

// Ids of the two nodes below every stack, of the configuration without a
// future, and of a transition that is not known yet.
const (
	bottom    int32 = 0 // the end of the grammar
	unknown   int32 = 1 // whatever is below the part of a stack that is looked at
	dead      int32 = 0
	unvisited int32 = -1
)

// A stackNode is a stack: its top state, what the state counts (a loop's rounds,
// a bag's members), and the stack below. Equal stacks have equal ids.
type stackNode struct {
	state  int32
	below  int32
	count  uint64
	depth  int32
	stamp  uint32 // closure that visited it last
	nextID int32  // chain of the hash table
}

// A config is what the automaton can be doing: a set of stacks whose top states
// wait for a byte or a special token.
type config struct {
	lo, hi   int32 // items[lo:hi], sorted
	accept   bool  // the grammar may end here
	escape   bool  // the part of the stack that is looked at may end here
	next     int32 // first entry in rows, -1 if no transition is known
	nextID   int32 // chain of the hash table
	maskSlot int32 // in the matcher's cache, -1 if none
}

// An arena numbers stacks and configurations of one program and remembers the
// transitions between them. It is the work space of one matcher.
type arena struct {
	p       *program
	special []int32 // token of each special text, -1 if the vocabulary has none

	nodes   []stackNode
	configs []config
	items   []int32
	rows    []int32 // [configs with transitions][256]

	nodeHash   []int32
	configHash []int32

	work   []int32
	live   []int32
	stamp  uint32
	budget int
	err    error
	old    *oldArena // work space of compact
}

func newArena(p *program, special []int32) *arena {
	a := &arena{p: p, special: special, nodeHash: make([]int32, 256), configHash: make([]int32, 64)}
	a.reset()
	return a
}

// reset forgets everything; only the two bottom nodes and the dead
// configuration remain.
func (a *arena) reset() {
	a.nodes = append(a.nodes[:0], stackNode{state: -1}, stackNode{state: -1})
	a.configs = append(a.configs[:0], config{next: -1, nextID: -1, maskSlot: -1})
	a.items, a.rows = a.items[:0], a.rows[:0]
	for i := range a.nodeHash {
		a.nodeHash[i] = -1
	}
	for i := range a.configHash {
		a.configHash[i] = -1
	}
	a.stamp = 0
}

// start is the configuration before the first byte.
func (a *arena) start() int32 {
	a.begin()
	a.push(a.node(a.p.rules[0].start, 0, bottom))
	return a.end()
}

// node returns the id of a stack.
func (a *arena) node(state int32, count uint64, below int32) int32 {
	h := hash3(uint64(state), count, uint64(below))
	slot := h & uint64(len(a.nodeHash)-1)
	for id := a.nodeHash[slot]; id >= 0; id = a.nodes[id].nextID {
		n := &a.nodes[id]
		if n.state == state && n.below == below && n.count == count {
			return id
		}
	}
	if len(a.nodes) >= len(a.nodeHash)*2 {
		a.growNodes()
		slot = h & uint64(len(a.nodeHash)-1)
	}
	id := int32(len(a.nodes))
	a.nodes = append(a.nodes, stackNode{
		state: state, below: below, count: count,
		depth: a.nodes[below].depth + 1, nextID: a.nodeHash[slot],
	})
	a.nodeHash[slot] = id
	return id
}

func (a *arena) growNodes() {
	a.nodeHash = make([]int32, 4*len(a.nodeHash))
	for i := range a.nodeHash {
		a.nodeHash[i] = -1
	}
	for id := int(unknown) + 1; id < len(a.nodes); id++ {
		n := &a.nodes[id]
		slot := hash3(uint64(n.state), n.count, uint64(n.below)) & uint64(len(a.nodeHash)-1)
		n.nextID = a.nodeHash[slot]
		a.nodeHash[slot] = int32(id)
	}
}

func hash3(x, y, z uint64) uint64 {
	h := x*0x9E3779B97F4A7C15 ^ bits.RotateLeft64(y*0xC2B2AE3D27D4EB4F, 29) ^ bits.RotateLeft64(z*0x165667B19E3779F9, 47)
	h ^= h >> 32
	h *= 0xD6E8FEB86659FD93
	return h ^ h>>29
}

// begin starts a closure: stacks are pushed, then end names the set.
func (a *arena) begin() {
	a.stamp++
	a.work, a.live = a.work[:0], a.live[:0]
}

func (a *arena) push(id int32) { a.work = append(a.work, id) }

// fail records why the arena gave up. The first reason stays.
func (a *arena) fail(err error) {
	if a.err == nil {
		a.err = err
	}
}

// end follows calls and returns from the pushed stacks until every stack waits
// for input, and returns the id of the set.
func (a *arena) end() int32 {
	var accept, escape bool
	for len(a.work) > 0 {
		id := a.work[len(a.work)-1]
		a.work = a.work[:len(a.work)-1]
		if id <= unknown {
			accept = accept || id == bottom
			escape = escape || id == unknown
			continue
		}
		n := &a.nodes[id]
		if n.stamp == a.stamp {
			continue
		}
		n.stamp = a.stamp
		if a.budget--; a.budget < 0 || len(a.live) > maxItems || n.depth > maxDepth {
			a.fail(ErrTooComplex)
			return dead
		}
		a.expand(id)
	}
	if len(a.live) == 0 && !accept && !escape {
		return dead
	}
	slices.Sort(a.live)
	return a.config(a.live, accept, escape)
}

// expand pushes the stacks that one stack leads to without input.
func (a *arena) expand(id int32) {
	n := a.nodes[id]
	st := &a.p.states[n.state]
	waits := len(st.edges) > 0
	for _, e := range st.specials {
		if a.special[e.text] < 0 {
			a.enter(a.p.specials[e.text].rule, e.to, n.below)
		} else {
			waits = true
		}
	}
	if waits {
		a.live = append(a.live, id)
	}
	for _, t := range st.eps {
		a.push(a.node(t, 0, n.below))
	}
	for _, c := range st.calls {
		a.enter(c.rule, c.ret, n.below)
	}
	if st.final {
		a.push(n.below)
	}
	if st.loop != nil {
		a.goRound(st.loop, n)
	}
	if st.bag != nil {
		a.pick(st.bag, n)
	}
}

// enter calls a rule. A call that is the last thing its rule does returns to
// where that one would have returned, so that lists do not pile up.
func (a *arena) enter(rule, ret, below int32) {
	if !a.p.states[ret].tail {
		below = a.node(ret, 0, below)
	}
	a.push(a.node(a.p.rules[rule].start, 0, below))
}

// goRound leaves a loop, or calls its body once more. A count that no longer
// matters stops growing, so that the number of stacks stays small.
func (a *arena) goRound(l *loop, n stackNode) {
	count := int64(n.count)
	if count >= l.min {
		a.push(n.below)
	}
	if l.max >= 0 && count >= l.max {
		return
	}
	count++
	if l.max < 0 {
		count = min(count, l.min)
	}
	back := a.node(n.state, uint64(count), n.below)
	a.push(a.node(a.p.rules[l.body].start, 0, back))
}

// pick leaves a bag, or writes one of the members that it still may.
func (a *arena) pick(g *bag, n stackNode) {
	if a.p.bagDist(g, n.count) == 0 {
		a.push(n.below)
	}
	if g.max >= 0 && bagCount(n.count) >= g.max {
		return
	}
	listed, extra := g.later, g.extra1
	if n.count == 0 {
		listed, extra = g.first, g.extra0
	}
	for i, r := range listed {
		have := n.count | 1<<i
		if have == n.count || a.p.rules[r].dist >= farAway || a.p.bagDist(g, have) >= farAway {
			continue
		}
		a.push(a.node(a.p.rules[r].start, 0, a.node(n.state, have, n.below)))
	}
	have := n.count
	if have>>bagBits < 1<<(64-bagBits)-1 {
		have += 1 << bagBits
	}
	for _, r := range extra {
		if a.p.bagDist(g, have) < farAway {
			a.push(a.node(a.p.rules[r].start, 0, a.node(n.state, have, n.below)))
		}
	}
}

// bagCount is the number of members that a bag's count stands for.
func bagCount(have uint64) int64 {
	return int64(bits.OnesCount64(have&(1<<bagBits-1))) + int64(have>>bagBits)
}

// config returns the id of a set of stacks.
func (a *arena) config(live []int32, accept, escape bool) int32 {
	h := uint64(len(live))
	for _, id := range live {
		h = hash3(h, uint64(id), 1)
	}
	slot := h & uint64(len(a.configHash)-1)
	for id := a.configHash[slot]; id >= 0; id = a.configs[id].nextID {
		c := &a.configs[id]
		if c.accept == accept && c.escape == escape && slices.Equal(a.items[c.lo:c.hi], live) {
			return id
		}
	}
	if len(a.configs) >= 2*len(a.configHash) {
		a.growConfigs()
		slot = h & uint64(len(a.configHash)-1)
	}
	id := int32(len(a.configs))
	lo := int32(len(a.items))
	a.items = append(a.items, live...)
	a.configs = append(a.configs, config{
		lo: lo, hi: int32(len(a.items)), accept: accept, escape: escape,
		next: -1, nextID: a.configHash[slot], maskSlot: -1,
	})
	a.configHash[slot] = id
	return id
}

func (a *arena) growConfigs() {
	a.configHash = make([]int32, 4*len(a.configHash))
	for i := range a.configHash {
		a.configHash[i] = -1
	}
	for id := 1; id < len(a.configs); id++ {
		c := &a.configs[id]
		h := uint64(c.hi - c.lo)
		for _, n := range a.items[c.lo:c.hi] {
			h = hash3(h, uint64(n), 1)
		}
		slot := h & uint64(len(a.configHash)-1)
		c.nextID = a.configHash[slot]
		a.configHash[slot] = int32(id)
	}
}

// step returns where a byte leads from a configuration.
func (a *arena) step(c int32, b byte) int32 {
	if c == dead {
		return dead
	}
	if next := a.configs[c].next; next >= 0 {
		if to := a.rows[next+int32(b)]; to >= 0 {
			return to
		}
	}
	return a.compute(c, b)
}

// compute finds a transition and enters it in the table for all bytes around b
// that no edge tells apart from it.
func (a *arena) compute(c int32, b byte) int32 {
	lo, hi := byte(0), byte(255)
	a.begin()
	for _, id := range a.items[a.configs[c].lo:a.configs[c].hi] {
		n := a.nodes[id]
		for _, e := range a.p.states[n.state].edges {
			switch {
			case e.hi < b:
				lo = max(lo, e.hi+1)
			case e.lo > b:
				hi = min(hi, e.lo-1)
			default:
				lo, hi = max(lo, e.lo), min(hi, e.hi)
				a.push(a.node(e.to, 0, n.below))
			}
		}
		a.budget--
	}
	to := a.end()
	if a.err != nil {
		return dead // and nothing is remembered
	}
	next := a.configs[c].next
	if next < 0 {
		next = int32(len(a.rows))
		a.rows = slices.Grow(a.rows, 256)[:next+256]
		for i := range a.rows[next:] {
			a.rows[int(next)+i] = unvisited
		}
		a.configs[c].next = next
	}
	for i := int(lo); i <= int(hi); i++ {
		a.rows[int(next)+i] = to
	}
	return to
}

// stepSpecial returns where a special text leads from a configuration.
func (a *arena) stepSpecial(c, text int32) int32 {
	a.begin()
	cfg := a.configs[c]
	for _, id := range a.items[cfg.lo:cfg.hi] {
		n := a.nodes[id]
		for _, e := range a.p.states[n.state].specials {
			if e.text == text {
				a.push(a.node(e.to, 0, n.below))
			}
		}
	}
	return a.end()
}
