package kvcache

import "slices"

// A Seq is the block table of a running sequence. The zero value is ready for
// Begin, also again after End.
type Seq struct {
	root      *root
	table     []int32
	n         int // positions whose cache entries are written
	published int // how many of the table's first blocks are in the tree
	private   bool
	slot      int32

	tokens     []int32 // [n] what the positions hold, as of the last Commit
	prev, next *Seq    // the other sequences that began in root
}

// Blocks returns the block table. It is valid until the next call for s.
func (s *Seq) Blocks() []int32 { return s.table }

// Len returns how many positions are in the cache.
func (s *Seq) Len() int { return s.n }

// Slot returns the sequence's state slot.
func (s *Seq) Slot() int { return int(s.slot) }

// Active reports whether s has begun and not ended.
func (s *Seq) Active() bool { return s.root != nil }

// An Attach says what Begin found, and what must be copied before the sequence
// runs: blocks and states are memory that the pool knows nothing about.
type Attach struct {
	Cached             int // positions that need not be computed
	CopyBlock          bool
	BlockSrc, BlockDst int32
	CopyState          bool
	StateSrc, StateDst int32
}

// Begin starts s on the longest cached prefix of tokens, at most limit
// positions. It fails, changing nothing, only when no state slot is left.
// The copies that it names must be made before anything else happens.
func (p *Pool) Begin(s *Seq, namespace string, tokens []int32, limit int) (Attach, bool) {
	var a Attach
	r := p.enter(namespace)
	m := p.match(r, tokens, limit)
	slot := none
	if p.cfg.StateSlots > 0 {
		if slot = p.slots.take(p, m.slot); slot == none && m.slot != none {
			// The only slot to be had is the one to copy from: begin from nothing.
			m = Match{last: none, part: none, slot: none}
			slot = p.slots.take(p, none)
		}
		if slot == none {
			p.prune(r)
			return a, false
		}
	}
	*s = Seq{table: slices.Grow(s.table[:0], m.Full+1), slot: slot}
	s.join(r)
	s.table = s.table[:m.Full]
	for id, i := m.last, m.Full-1; i >= 0; i-- {
		p.retain(id)
		s.table[i] = id
		id = p.blocks[id].parent
	}
	s.published, s.n = m.Full, m.Full*p.cfg.BlockTokens
	if m.part != none {
		p.copyPart(s, &m, &a)
	}
	if m.slot != none && s.n == m.Tokens {
		a.CopyState, a.StateSrc, a.StateDst = true, m.slot, slot
	}
	if p.cfg.StateSlots > 0 && s.n != m.Tokens {
		p.fallBack(s, &a, tokens)
	}
	a.Cached, s.tokens = s.n, tokens[:s.n]
	p.stats.Lookups++
	p.stats.PromptTokens += uint64(len(tokens))
	p.stats.CachedTokens += uint64(a.Cached)
	return a, true
}

// copyPart gives s a block of its own for the beginning of m.part. The source
// is used now: it becomes the youngest, still older than its parent will be,
// which s holds. If the source is the only block left there is no copy to be had.
func (p *Pool) copyPart(s *Seq, m *Match, a *Attach) {
	p.retain(m.part)
	dst := p.take()
	p.release(m.part)
	if dst == none {
		return
	}
	s.table = append(s.table, dst)
	s.n = m.Tokens
	a.CopyBlock, a.BlockSrc, a.BlockDst = true, m.part, dst
	p.stats.Copies++
}

// fallBack is for the rare sequence with state that found no block for the
// copy: it starts from the last saved state at a block border, if there is one.
func (p *Pool) fallBack(s *Seq, a *Attach, tokens []int32) {
	m := p.match(s.root, tokens, s.n)
	for m.part != none { // only whole blocks can be shared now
		m = p.match(s.root, tokens, m.Full*p.cfg.BlockTokens)
	}
	for i := len(s.table) - 1; i >= m.Full; i-- {
		p.release(s.table[i])
	}
	s.table = s.table[:m.Full]
	s.published, s.n = m.Full, m.Tokens
	if m.slot != none {
		a.CopyState, a.StateSrc, a.StateDst = true, m.slot, s.slot
	}
}

// Grow makes room in the table for n positions in all. It reports false, and
// changes nothing, when the blocks cannot be had.
func (p *Pool) Grow(s *Seq, n int) bool {
	want := p.BlocksFor(n) - len(s.table)
	if want > p.Available() {
		return false
	}
	for range want {
		s.table = append(s.table, p.take())
	}
	return true
}

// Room returns how many positions s can reach with its own blocks and those
// that are available.
func (p *Pool) Room(s *Seq) int {
	return (len(s.table) + p.Available()) * p.cfg.BlockTokens
}

// Commit records that the cache entries of all tokens are written; tokens is
// the sequence from its start. Blocks that became full are published. Where
// another sequence has published the same block meanwhile, s switches to that
// one and its own is freed, so the table may change.
func (p *Pool) Commit(s *Seq, tokens []int32) {
	bt := p.cfg.BlockTokens
	s.n, s.tokens = len(tokens), tokens
	for ; !s.private && (s.published+1)*bt <= s.n; s.published++ {
		i := s.published
		own, parent, pkey := s.table[i], s.parent(), &s.root.key
		if parent != none {
			pkey = &p.blocks[parent].key
		}
		part := tokens[i*bt : (i+1)*bt]
		key := ChildKey(pkey, part)
		if id := p.find(parent, &key, part); id != none {
			p.retain(id)
			p.release(own)
			s.table[i] = id
			p.stats.Merges++
			continue
		}
		if _, taken := p.index[key]; taken { // a hash collision: stay out of the tree
			s.private = true
			return
		}
		p.publish(s.root, parent, own, part, &key)
	}
}

// parent returns the last block of s that is in the tree.
func (s *Seq) parent() int32 {
	if s.published == 0 {
		return none
	}
	return s.table[s.published-1]
}

// End lets go of the sequence's blocks. With keep, its unfinished last block
// and its state stay in the cache for whoever continues it; tokens is the
// sequence up to what is committed.
func (p *Pool) End(s *Seq, tokens []int32, keep bool) {
	if s.root == nil {
		return
	}
	if keep && !s.private {
		p.keepTail(s, tokens[:s.n])
	}
	if s.slot != none {
		p.slots.free(s.slot)
	}
	for _, id := range slices.Backward(s.table) {
		p.release(id)
	}
	r := s.root
	s.leave()
	*s = Seq{table: s.table[:0], slot: none}
	p.prune(r)
}

// join puts s into the list of the sequences that began in r.
func (s *Seq) join(r *root) {
	s.root = r
	s.next = r.live
	if r.live != nil {
		r.live.prev = s
	}
	r.live = s
}

func (s *Seq) leave() {
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		s.root.live = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
}

// keepTail publishes the tokens after the last full block, and hands the state
// over to the cache.
func (p *Pool) keepTail(s *Seq, tokens []int32) {
	at, parent := s.published, s.parent()
	rest := tokens[at*p.cfg.BlockTokens:]
	id, off := parent, p.cfg.BlockTokens
	if len(rest) > 0 {
		id, off = p.covering(s.root, parent, rest), len(rest)
		if id == none {
			id = s.table[at]
			p.publish(s.root, parent, id, rest, nil)
		}
	}
	if s.slot != none && id != none && p.slots.save(p, s.slot, id, off) {
		s.slot = none
	}
}

// covering returns a child of parent that begins with tokens, or none.
func (p *Pool) covering(r *root, parent int32, tokens []int32) int32 {
	for id := *p.first(r, parent); id != none; id = p.blocks[id].next {
		if commonPrefix(p.published(id), tokens) == len(tokens) {
			return id
		}
	}
	return none
}

// Drop ends what is cached of a namespace: blocks in use stay with their users.
// It returns the number of blocks freed.
func (p *Pool) Drop(namespace string) int {
	n := 0
	for id := p.oldest; id != none; {
		next := p.blocks[id].newer
		if p.blocks[id].root.name == namespace {
			p.drop(id)
			n++
		}
		id = next
	}
	return n
}
