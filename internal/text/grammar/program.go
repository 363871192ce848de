package grammar

import "math"

// Limits of one automaton. They bound the memory and the time that a hostile
// schema can take; a real one needs a few thousand states.
const (
	maxStates    = 300_000
	maxDFAStates = 20_000
	// unroll is the number of states up to which a repetition is copied. A
	// larger one becomes a counter on the stack.
	unroll = 48
)

// A program is a pushdown automaton. Each rule is a finite automaton whose
// states read bytes or call rules; rule 0 is the whole grammar.
type program struct {
	states   []state
	rules    []progRule
	specials []specialText
	plain    int32 // the first state of a JSON string's character, -1 if unused
}

type progRule struct {
	name  string
	start int32
	dist  int64 // fewest bytes that the rule matches
}

// specialText is a special token's text, and the rule that spells it out for
// vocabularies that have no such token.
type specialText struct {
	text string
	rule int32
}

type state struct {
	edges    []edge
	eps      []int32
	calls    []callEdge
	specials []specialEdge
	final    bool // the rule may end here
	tail     bool // the rule can only end here: a call that returns to it need not return
	loop     *loop
	bag      *bag
	dist     int64 // fewest bytes from here to the end of the rule
}

type edge struct {
	lo, hi byte
	to     int32
}

// A callEdge goes on in a rule and then in ret.
type callEdge struct{ rule, ret int32 }

type specialEdge struct{ text, to int32 }

// A loop state calls its body min to max times and counts on the stack.
type loop struct {
	min, max int64 // max -1: no limit
	body     int32 // rule
}

// A bag state calls each of its listed rules at most once in any order, and the
// extra ones any number of times. The stack remembers which were called, as
// bits, and the number of extra calls above them.
type bag struct {
	first, later   []int32 // rules of listed members, without and with a separator before
	extra0, extra1 []int32
	required       uint64
	min, max       int64
}

const (
	bagBits = 48 // listed members of a bag
	farAway = math.MaxInt64 / 4
)

// builder makes a program from nodes.
type builder struct {
	p       *program
	rules   map[*rule]int32
	queue   []*rule
	special map[string]int32
	flat    bool // copy every repetition: for automata without a stack
	limit   int
}

func build(root *node) (*program, error) {
	b := &builder{
		p:     &program{plain: -1},
		rules: map[*rule]int32{}, special: map[string]int32{},
		limit: maxStates,
	}
	b.ruleID(&rule{name: "root", body: root})
	for len(b.queue) > 0 {
		r := b.queue[0]
		b.queue = b.queue[1:]
		id := b.rules[r]
		start, err := b.newState()
		if err != nil {
			return nil, err
		}
		b.p.rules[id].start = start
		if r == jsonChar {
			b.p.plain = start
		}
		end, err := b.add(r.body, start)
		if err != nil {
			return nil, err
		}
		b.p.states[end].final = true
	}
	return b.p, b.p.finish()
}

// ruleID returns the number of a rule and queues it the first time.
func (b *builder) ruleID(r *rule) int32 {
	id, ok := b.rules[r]
	if !ok {
		id = int32(len(b.p.rules))
		b.rules[r] = id
		b.p.rules = append(b.p.rules, progRule{name: r.name})
		b.queue = append(b.queue, r)
	}
	return id
}

func (b *builder) newState() (int32, error) {
	if len(b.p.states) >= b.limit {
		return 0, tooLarge("its automaton has more than %d states", b.limit)
	}
	b.p.states = append(b.p.states, state{})
	return int32(len(b.p.states) - 1), nil
}

// add appends n after the state from and returns the state where it ends.
// Nothing ever leads back into from, so several nodes may begin there.
func (b *builder) add(n *node, from int32) (int32, error) {
	switch n.op {
	case opText:
		return b.addText(n.text, from)
	case opSet:
		return b.addSet(n.set, from)
	case opSeq:
		var err error
		for _, s := range n.subs {
			if from, err = b.add(s, from); err != nil {
				return 0, err
			}
		}
		return from, nil
	case opAlt:
		return b.addAlt(n.subs, from)
	case opRepeat:
		return b.addRepeat(n, from)
	case opCall:
		if b.flat {
			return b.add(n.rule.body, from)
		}
		return b.addCall(b.ruleID(n.rule), from)
	case opSpecial:
		return b.addSpecial(n.text, from)
	case opDFA:
		return b.addDFA(n.dfa, n.json, from)
	case opMembers:
		if n.members.any {
			return b.addBag(n.members, from)
		}
		return b.addMembers(n.members, from)
	}
	panic("grammar: unknown node")
}

func (b *builder) eps(from, to int32) {
	b.p.states[from].eps = append(b.p.states[from].eps, to)
}

func (b *builder) edge(from int32, lo, hi byte, to int32) {
	b.p.states[from].edges = append(b.p.states[from].edges, edge{lo, hi, to})
}

func (b *builder) addText(s string, from int32) (int32, error) {
	for i := range len(s) {
		to, err := b.newState()
		if err != nil {
			return 0, err
		}
		b.edge(from, s[i], s[i], to)
		from = to
	}
	return from, nil
}

// addSet adds the UTF-8 spellings of a set of code points. Spellings that go on
// alike share their states: what is left to read is the key.
func (b *builder) addSet(set []runeRange, from int32) (int32, error) {
	to, err := b.newState()
	if err != nil {
		return 0, err
	}
	rest := map[string]int32{"": to}
	for _, r := range normalize(set) {
		sequences(r.lo, r.hi, func(s []byteRange) {
			next := to
			key := ""
			for i := len(s) - 1; i > 0 && err == nil; i-- {
				key = string([]byte{s[i].lo, s[i].hi}) + key
				st, ok := rest[key]
				if !ok {
					if st, err = b.newState(); err != nil {
						return
					}
					rest[key] = st
					b.edge(st, s[i].lo, s[i].hi, next)
				}
				next = st
			}
			b.edge(from, s[0].lo, s[0].hi, next)
		})
	}
	return to, err
}

func (b *builder) addAlt(subs []*node, from int32) (int32, error) {
	to, err := b.newState()
	if err != nil {
		return 0, err
	}
	for _, s := range subs {
		end, err := b.add(s, from)
		if err != nil {
			return 0, err
		}
		b.eps(end, to)
	}
	return to, nil
}

func (b *builder) addCall(rule, from int32) (int32, error) {
	to, err := b.newState()
	if err != nil {
		return 0, err
	}
	b.p.states[from].calls = append(b.p.states[from].calls, callEdge{rule, to})
	return to, nil
}

func (b *builder) addSpecial(text string, from int32) (int32, error) {
	if b.flat {
		return b.addText(text, from)
	}
	id, ok := b.special[text]
	if !ok {
		id = int32(len(b.p.specials))
		b.special[text] = id
		b.p.specials = append(b.p.specials, specialText{text, b.ruleID(&rule{name: text, body: lit(text)})})
	}
	to, err := b.newState()
	if err != nil {
		return 0, err
	}
	b.p.states[from].specials = append(b.p.states[from].specials, specialEdge{id, to})
	return to, nil
}

// addRepeat copies a short repetition and makes a counter of a long one.
func (b *builder) addRepeat(n *node, from int32) (int32, error) {
	body := n.subs[0]
	if n.max >= 0 && n.max < n.min {
		return b.newState() // cannot be reached
	}
	if n.max == 0 {
		return from, nil
	}
	// A rule that comes again is counted even without a limit: at the top of a
	// stack, the loop below the rule tells that more of it may follow.
	times := max(n.min, n.max, 1)
	large := (times > unroll || size(body, unroll+1)*times > unroll) && (n.max > 1 || n.min > 1)
	if !b.flat && (large || body.op == opCall && n.max < 0) {
		return b.addLoop(n, from)
	}
	var err error
	copies := n.min
	if n.max < 0 && copies > 0 {
		copies--
	}
	for range copies {
		if from, err = b.add(body, from); err != nil {
			return 0, err
		}
	}
	if n.max < 0 {
		return b.addStar(body, from, n.min > 0)
	}
	to, err := b.newState()
	if err != nil {
		return 0, err
	}
	b.eps(from, to)
	for range n.max - n.min {
		if from, err = b.add(body, from); err != nil {
			return 0, err
		}
		b.eps(from, to)
	}
	return to, nil
}

// addStar adds a body that may come again; with once, it must come once.
func (b *builder) addStar(body *node, from int32, once bool) (int32, error) {
	again, err := b.newState()
	if err != nil {
		return 0, err
	}
	b.eps(from, again)
	end, err := b.add(body, again)
	if err != nil {
		return 0, err
	}
	b.eps(end, again)
	if once {
		return end, nil
	}
	return again, nil
}

// addLoop makes a rule of its own for the counter and calls it.
func (b *builder) addLoop(n *node, from int32) (int32, error) {
	body, least := n.subs[0], n.min
	if isNullable(body) {
		body, least = nonEmpty(body, map[*rule]*rule{}), 0
	}
	start, err := b.newState()
	if err != nil {
		return 0, err
	}
	if body.op != opCall {
		body = ruleOf("repeated", body)
	}
	b.p.states[start].loop = &loop{min: int64(least), max: int64(n.max), body: b.ruleID(body.rule)}
	return b.addCall(b.ready("loop", start), from)
}

// ready numbers a rule whose states are made already.
func (b *builder) ready(name string, start int32) int32 {
	b.p.rules = append(b.p.rules, progRule{name: name, start: start})
	return int32(len(b.p.rules) - 1)
}

// size estimates the states of n, up to limit.
func size(n *node, limit int) int {
	switch n.op {
	case opText:
		return len(n.text)
	case opSet:
		return 1 + len(n.set)
	case opSeq, opAlt:
		total := 1
		for _, s := range n.subs {
			if total += size(s, limit); total > limit {
				break
			}
		}
		return total
	case opRepeat:
		return min(limit, 1+size(n.subs[0], limit)*max(1, min(limit, max(n.min, n.max))))
	case opDFA:
		return len(n.dfa.states)
	case opMembers:
		return limit
	}
	return 2
}
