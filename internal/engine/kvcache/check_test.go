package kvcache

import (
	"fmt"
	"slices"
)

// check verifies what must hold between any two calls.
func (p *Pool) check(seqs ...*Seq) error {
	refs := make([]int32, len(p.blocks))
	for _, s := range seqs {
		for i, id := range s.table {
			refs[id]++
			if b := &p.blocks[id]; i < s.published && (int(b.n) != p.cfg.BlockTokens || b.root != s.root) {
				return fmt.Errorf("block %d of a table counts as published, but is not", id)
			} else if i >= s.published && (b.refs != 1 || b.n != 0) {
				return fmt.Errorf("block %d of a table is not its sequence's own: refs %d, published %d", id, b.refs, b.n)
			}
		}
		if want := p.BlocksFor(s.n); len(s.table) < want {
			return fmt.Errorf("a table of %d blocks for %d positions", len(s.table), s.n)
		}
	}
	where := make([]string, len(p.blocks))
	put := func(id int32, place string) error {
		if where[id] != "" {
			return fmt.Errorf("block %d is %s and %s", id, where[id], place)
		}
		where[id] = place
		return nil
	}
	for _, id := range p.free {
		if err := put(id, "free"); err != nil {
			return err
		}
	}
	n := 0
	age := make([]int, len(p.blocks)) // place in the LRU list
	for id := p.oldest; id != none; id = p.blocks[id].newer {
		if err := put(id, "cached"); err != nil {
			return err
		}
		n++
		age[id] = n
	}
	if n != p.cached {
		return fmt.Errorf("%d blocks in the LRU list, %d counted", n, p.cached)
	}
	for i := range p.blocks {
		b := &p.blocks[i]
		if b.refs != refs[i] {
			return fmt.Errorf("block %d has %d references, counted %d", i, b.refs, refs[i])
		}
		if b.refs > 0 {
			if err := put(int32(i), "used"); err != nil {
				return err
			}
		}
		if where[i] == "" || where[i] == "free" && b.n != 0 || where[i] == "cached" && b.n == 0 {
			return fmt.Errorf("block %d is %q with %d tokens published", i, where[i], b.n)
		}
	}
	return p.checkTrees(age)
}

// checkTrees walks all trees: whatever is published is reached once, under its
// key, and no cached parent is older than a child.
func (p *Pool) checkTrees(age []int) error {
	reached, full := 0, 0
	var walk func(r *root, parent int32, key Key) error
	walk = func(r *root, parent int32, key Key) error {
		prev := none
		for id := *p.first(r, parent); id != none; id = p.blocks[id].next {
			b := &p.blocks[id]
			reached++
			if b.parent != parent || b.root != r || b.prev != prev {
				return fmt.Errorf("block %d is linked wrongly", id)
			}
			prev = id
			if parent != none && p.blocks[parent].refs == 0 && (b.refs > 0 || age[parent] < age[id]) {
				return fmt.Errorf("block %d may be evicted before its child %d", parent, id)
			}
			if int(b.n) < p.cfg.BlockTokens {
				if b.child != none {
					return fmt.Errorf("unfinished block %d has children", id)
				}
				continue
			}
			full++
			if b.key != ChildKey(&key, p.published(id)) || p.index[b.key] != id {
				return fmt.Errorf("block %d has a wrong key", id)
			}
			if err := walk(r, id, b.key); err != nil {
				return err
			}
		}
		return nil
	}
	for name, r := range p.roots {
		if r.name != name || r.child == none && r.live == nil {
			return fmt.Errorf("tree %q is empty and kept", name)
		}
		if err := walk(r, none, r.key); err != nil {
			return err
		}
	}
	published := 0
	for i := range p.blocks {
		if p.blocks[i].n > 0 {
			published++
		}
	}
	if reached != published || full != len(p.index) {
		return fmt.Errorf("%d of %d published blocks reached, %d full ones of %d in the index", reached, published, full, len(p.index))
	}
	return p.checkSlots()
}

func (p *Pool) checkSlots() error {
	used, saved := 0, 0
	for i, s := range p.slots.all {
		switch {
		case s.owner == slotRunning:
			used++
		case s.owner >= 0:
			saved++
			var of []int32
			for x := p.blocks[s.owner].snap; x != none; x = p.slots.all[x].next {
				of = append(of, x)
			}
			if !slices.Contains(of, int32(i)) || s.off < 1 || s.off > p.blocks[s.owner].n {
				return fmt.Errorf("saved state %d (of the first %d tokens) is not in block %d of %d tokens", i, s.off, s.owner, p.blocks[s.owner].n)
			}
		}
	}
	if used != p.slots.used || saved != p.slots.saved {
		return fmt.Errorf("%d slots used and %d saved, counted %d and %d", p.slots.used, p.slots.saved, used, saved)
	}
	return nil
}
