package grammar

import (
	"math/bits"
	"sync"
)

// maxShared bounds the bytes of cached masks of one grammar and vocabulary.
const maxShared = 16 << 20

// fewTokens is the number of tokens up to which a mask is kept as a list.
const fewTokens = 512

// shared is what the matchers of one grammar and one vocabulary have in common.
type shared struct {
	v       *Vocabulary
	p       *program
	special []int32         // token of each special text of the program, -1 if none
	texts   map[int32]int32 // special text of a token

	mu    sync.Mutex
	arena *arena
	stack []int32
	bits  []uint64
	cache map[localKey]*localMask
	bytes int
}

// A localKey is the upper end of a stack: its top state and, if that one is the
// body of a counted loop, the loop and its count. Where that leaves too much open
// it is also what is below: without that, a state that reads a blank and returns
// would have all words that begin with a blank to check.
type localKey struct {
	state int32
	below int32 // state, -1 if none
	count uint64
}

// wideCheck is the number of trie nodes to check above which a key with more of
// the stack is worth its place.
const wideCheck = 1 << 14

// A localMask says which tokens the upper end of a stack allows whatever is
// below it, and which must be checked because they go on below.
type localMask struct {
	few   []int32
	many  []uint64
	check *trie // nil: too much to check, look deeper
}

func (l *localMask) or(mask []uint64) {
	for i, w := range l.many {
		mask[i] |= w
	}
	for _, id := range l.few {
		mask[id>>6] |= 1 << (id & 63)
	}
}

// maxBound is the number of vocabularies that a grammar remembers.
const maxBound = 8

func (g *Grammar) bind(v *Vocabulary) (*shared, error) {
	p, err := g.program()
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if s, ok := g.shared[v]; ok {
		return s, nil
	}
	s := &shared{
		v: v, p: p, special: make([]int32, len(p.specials)), texts: map[int32]int32{},
		cache: map[localKey]*localMask{},
		stack: make([]int32, v.all.depth+1), bits: make([]uint64, v.Words()),
	}
	for i, t := range p.specials {
		s.special[i] = -1
		if id, ok := v.special[t.text]; ok {
			s.special[i] = id
			s.texts[id] = int32(i)
		}
	}
	s.arena = newArena(p, s.special)
	if g.shared == nil || len(g.shared) >= maxBound {
		g.shared = map[*Vocabulary]*shared{}
	}
	g.shared[v] = s
	return s, nil
}

// mask returns the local mask of a stack of an arena.
func (s *shared) mask(a *arena, id int32) (*localMask, error) {
	l, err := s.local(s.key(a, id, false))
	if err != nil || l.check != nil {
		return l, err
	}
	if a.nodes[id].below == bottom { // nothing may follow
		return l, nil
	}
	return s.local(s.key(a, id, true))
}

// key returns the local key of a stack of an arena.
func (s *shared) key(a *arena, id int32, deep bool) localKey {
	n := a.nodes[id]
	if n.below > unknown {
		b := a.nodes[n.below]
		if l := s.p.states[b.state].loop; l != nil {
			return localKey{n.state, b.state, s.canonical(l, int64(b.count))}
		}
		if deep {
			return localKey{n.state, b.state, b.count}
		}
	}
	return localKey{n.state, -1, 0}
}

// canonical replaces a count by one that no token can tell from it, since no
// token has enough bytes to reach a limit of the loop.
func (s *shared) canonical(l *loop, count int64) uint64 {
	far := int64(s.v.longest)
	switch {
	case l.max >= 0 && l.max-count <= far:
	case count >= l.min:
		count = l.min
	case l.min-count > far:
		count = 0
	}
	return uint64(count)
}

// local returns the mask for the upper end of a stack, and computes it the
// first time.
func (s *shared) local(k localKey) (*localMask, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l, ok := s.cache[k]; ok {
		return l, nil
	}
	a := s.arena
	if len(a.configs) > softConfigs || len(a.nodes) > softNodes {
		a.reset()
	}
	a.err, a.budget = nil, maxWork
	below := unknown
	if k.below >= 0 {
		below = a.node(k.below, k.count, unknown)
	}
	from := a.config([]int32{a.node(k.state, 0, below)}, false, false)
	clear(s.bits)
	t := s.v.all
	if n := s.plainLeft(k); n > 0 {
		t = s.v.rest
		copy(s.bits, s.v.plain[min(n, int64(len(s.v.plain)-1))])
	} else if a.takesSimple(from) {
		t = s.v.other
		copy(s.bits, s.v.simple)
	}
	most := len(t.nodes) * 2 // no limit: the ways to subtrees are part of the trie too
	if k.below < 0 {
		most = wideCheck
	}
	check := a.walkLocal(t, from, s.stack, s.bits, most)
	if a.err != nil {
		err := a.err
		a.err = nil
		a.reset()
		return nil, err
	}
	l := &localMask{check: check}
	l.keep(s.bits)
	if s.bytes > maxShared {
		clear(s.cache)
		s.bytes = 0
	}
	s.cache[k] = l
	s.bytes += 8*len(l.many) + 4*len(l.few) + 128
	if check != nil {
		s.bytes += 12 * len(check.nodes)
	}
	return l, nil
}

// keep stores a set of tokens in the smaller form.
func (l *localMask) keep(set []uint64) {
	n := 0
	for _, w := range set {
		n += bits.OnesCount64(w)
	}
	if n > fewTokens {
		l.many = append([]uint64(nil), set...)
		return
	}
	l.few = make([]int32, 0, n)
	for i, w := range set {
		for ; w != 0; w &= w - 1 {
			l.few = append(l.few, int32(i*64+bits.TrailingZeros64(w)))
		}
	}
}

// plainLeft returns how many characters of plain text a stack allows because it
// stands at the start of a character in a JSON string; 0 elsewhere. What
// follows such characters is a quote, so that no token of more of them fits.
func (s *shared) plainLeft(k localKey) int64 {
	if k.below < 0 || k.state != s.p.plain {
		return 0
	}
	l := s.p.states[k.below].loop
	if l == nil {
		return 0
	}
	if l.max < 0 {
		return int64(len(s.v.plain))
	}
	return l.max - int64(k.count) + 1 // this round is counted already
}
