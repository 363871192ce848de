package kvcache

import "slices"

// Fork starts child where parent stands: it shares the full blocks, and gets a
// copy of the unfinished one and of the state. The copies that Attach names must
// be made before anything else happens. It fails, changing nothing, when a
// block or a slot cannot be had.
func (p *Pool) Fork(child, parent *Seq) (Attach, bool) {
	var a Attach
	if parent.root == nil || parent.private {
		return a, false
	}
	tail := parent.n > parent.published*p.cfg.BlockTokens
	slot := none
	if tail && p.Available() == 0 {
		return a, false
	}
	if p.cfg.StateSlots > 0 {
		if slot = p.slots.take(p, none); slot == none {
			return a, false
		}
		a.CopyState, a.StateSrc, a.StateDst = true, parent.slot, slot
	}
	*child = Seq{
		table: append(child.table[:0], parent.table[:parent.published]...), slot: slot,
		n: parent.n, published: parent.published, tokens: slices.Clip(parent.tokens),
	}
	child.join(parent.root)
	for _, id := range child.table {
		p.retain(id)
	}
	if tail {
		dst := p.take()
		a.CopyBlock, a.BlockSrc, a.BlockDst = true, parent.table[parent.published], dst
		child.table = append(child.table, dst)
		p.stats.Copies++
	}
	a.Cached = child.n
	p.stats.Forks++
	return a, true
}

// Hold makes s a holder of the published full block with this key and of all
// blocks before it, so that they stay where they are: somebody reads their
// memory. It returns the block, or false if there is none. End lets go of it,
// with keep false.
func (p *Pool) Hold(s *Seq, key Key) (block int32, ok bool) {
	id, ok := p.index[key]
	if !ok {
		return none, false
	}
	*s = Seq{table: s.table[:0], slot: none}
	s.join(p.blocks[id].root)
	for b := id; b != none; b = p.blocks[b].parent {
		p.retain(b)
		s.table = append(s.table, b)
	}
	slices.Reverse(s.table)
	s.published = len(s.table)
	s.n = s.published * p.cfg.BlockTokens
	return id, true
}
