package kvcache

// A slot is the memory of one state: of a running sequence, saved in the tree,
// or free. A saved one belongs to a block: it is the state after the block's
// first off tokens.
type slot struct {
	owner int32 // the block of a saved state; -1 running, -2 free
	off   int32
	next  int32 // the next saved state of the same block
	used  uint64
}

const (
	slotRunning int32 = -1
	slotFree    int32 = -2
)

// stateSlots manages the slots. There are few of them, so the least recently
// used is found by looking at all.
type stateSlots struct {
	all         []slot
	clock       uint64
	used, saved int
}

func (ss *stateSlots) init(n int) {
	ss.all = make([]slot, n)
	for i := range ss.all {
		ss.all[i] = slot{owner: slotFree, next: none}
	}
}

// take returns a slot for a running sequence: a free one, or else the least
// recently used saved one but keep, which the sequence is about to copy.
func (ss *stateSlots) take(p *Pool, keep int32) int32 {
	if keep != none {
		ss.touch(keep)
	}
	id := none
	for i := range ss.all {
		s := &ss.all[i]
		if s.owner == slotFree {
			id = int32(i)
			break
		}
		if s.owner >= 0 && int32(i) != keep && (id == none || s.used < ss.all[id].used) {
			id = int32(i)
		}
	}
	if id == none {
		return none
	}
	if ss.all[id].owner >= 0 {
		p.stats.SlotEvictions++
		ss.detach(p, id)
	}
	ss.all[id].owner = slotRunning
	ss.used++
	return id
}

func (ss *stateSlots) touch(id int32) {
	ss.clock++
	ss.all[id].used = ss.clock
}

// free gives a running sequence's slot back.
func (ss *stateSlots) free(id int32) {
	ss.all[id] = slot{owner: slotFree, next: none}
	ss.used--
}

// save turns a running sequence's slot into the saved state of a block. It
// reports false if the block has a state at that place already.
func (ss *stateSlots) save(p *Pool, id, block int32, off int) bool {
	b := &p.blocks[block]
	for s := b.snap; s != none; s = ss.all[s].next {
		if int(ss.all[s].off) == off {
			ss.touch(s)
			return false
		}
	}
	ss.all[id] = slot{owner: block, off: int32(off), next: b.snap}
	ss.touch(id)
	b.snap = id
	ss.used--
	ss.saved++
	return true
}

// detach frees a saved state.
func (ss *stateSlots) detach(p *Pool, id int32) {
	at := &p.blocks[ss.all[id].owner].snap
	for *at != id {
		at = &ss.all[*at].next
	}
	*at = ss.all[id].next
	ss.all[id] = slot{owner: slotFree, next: none}
	ss.saved--
}

// dropAll frees the saved states of a block that leaves the tree.
func (ss *stateSlots) dropAll(p *Pool, block int32) {
	for p.blocks[block].snap != none {
		ss.detach(p, p.blocks[block].snap)
	}
}

// Snapshot saves the state of s at the block border where it stands now. It
// returns the slot that the caller must copy the sequence's state into, or
// false if s is at no border, the state is saved already, or no slot can be had.
func (p *Pool) Snapshot(s *Seq) (dst int, ok bool) {
	bt := p.cfg.BlockTokens
	if p.cfg.StateSlots == 0 || s.n == 0 || s.n%bt != 0 || s.published*bt != s.n {
		return 0, false
	}
	last := s.parent()
	for id := p.blocks[last].snap; id != none; id = p.slots.all[id].next {
		if int(p.slots.all[id].off) == bt {
			p.slots.touch(id)
			return 0, false
		}
	}
	id := p.slots.take(p, none)
	if id == none {
		return 0, false
	}
	p.slots.save(p, id, last, bt)
	return int(id), true
}
