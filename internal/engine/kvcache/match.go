package kvcache

// A Match says how much of a prompt is cached.
type Match struct {
	Tokens int // positions that need not be computed
	// Idle is how many of the shared blocks are cached without a user: beginning
	// a sequence on them takes that many away from Available.
	Idle int
	Full int // blocks that would be shared as they are

	last int32 // the last of them
	part int32 // the block whose beginning would be copied
	slot int32 // the saved state to continue from
}

// Match looks up the longest usable prefix of tokens, at most limit positions
// long. It changes nothing.
func (p *Pool) Match(namespace string, tokens []int32, limit int) Match {
	r := p.roots[namespace]
	if r == nil {
		return Match{last: none, part: none, slot: none}
	}
	return p.match(r, tokens, limit)
}

func (p *Pool) match(r *root, tokens []int32, limit int) Match {
	bt := p.cfg.BlockTokens
	tokens = tokens[:max(0, min(len(tokens), limit))]
	m := Match{last: none, part: none, slot: none}
	best := m // of models with state: the deepest point with a saved one
	for parent := &r.key; ; {
		if p.cfg.StateSlots > 0 {
			p.matchState(r, &m, &best, tokens)
		}
		if len(tokens)-m.Tokens < bt {
			break
		}
		next := tokens[m.Tokens : m.Tokens+bt]
		key := ChildKey(parent, next)
		id := p.find(m.last, &key, next)
		if id == none {
			break
		}
		if p.blocks[id].refs == 0 {
			m.Idle++
		}
		m.last, m.Full, m.Tokens = id, m.Full+1, m.Tokens+bt
		parent = &p.blocks[id].key
	}
	if p.cfg.StateSlots > 0 {
		return best
	}
	rest := tokens[m.Tokens:]
	for id := *p.first(r, m.last); id != none; id = p.blocks[id].next {
		if n := commonPrefix(p.published(id), rest); n > m.Tokens-m.Full*bt {
			m.part, m.Tokens = id, m.Full*bt+n
		}
	}
	p.matchLive(r, &m, rest)
	return m
}

// matchLive looks at the unfinished last blocks of running sequences. Their
// written positions never change, so they can be copied like those of the tree.
func (p *Pool) matchLive(r *root, m *Match, rest []int32) {
	at := m.Full * p.cfg.BlockTokens
	for s := r.live; s != nil; s = s.next {
		if s.private || s.published != m.Full || s.parent() != m.last || len(s.table) <= s.published || len(s.tokens) != s.n || s.n <= at {
			continue
		}
		if n := commonPrefix(s.tokens[at:], rest); n > m.Tokens-at {
			m.part, m.Tokens = s.table[s.published], at+n
		}
	}
}

// matchState looks among the children of m.last for the furthest saved state
// that the tokens reach, and keeps it in best.
func (p *Pool) matchState(r *root, m, best *Match, tokens []int32) {
	bt := p.cfg.BlockTokens
	rest := tokens[m.Tokens:]
	for id := *p.first(r, m.last); id != none; id = p.blocks[id].next {
		n := -1 // the common prefix is computed when there is a state to reach
		for s := p.blocks[id].snap; s != none; s = p.slots.all[s].next {
			if n < 0 {
				n = commonPrefix(p.published(id), rest)
			}
			off := int(p.slots.all[s].off)
			if off > n || m.Tokens+off <= best.Tokens {
				continue
			}
			*best = *m
			best.Tokens, best.slot = m.Tokens+off, s
			if off == bt {
				best.Full++
				best.last, best.part = id, none
				if p.blocks[id].refs == 0 {
					best.Idle++
				}
			} else {
				best.part = id
			}
		}
	}
}

// Prefix returns how many of the tokens are cached in full blocks, whether or
// not a state is saved there.
func (p *Pool) Prefix(namespace string, tokens []int32) int {
	r, bt, n := p.roots[namespace], p.cfg.BlockTokens, 0
	if r == nil {
		return 0
	}
	last, parent := none, &r.key
	for n+bt <= len(tokens) {
		key := ChildKey(parent, tokens[n:n+bt])
		id := p.find(last, &key, tokens[n:n+bt])
		if id == none {
			break
		}
		last, parent, n = id, &p.blocks[id].key, n+bt
	}
	return n
}
