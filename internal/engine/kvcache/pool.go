package kvcache

import "fmt"

const none int32 = -1

// Config gives the sizes of a pool.
type Config struct {
	Blocks      int // blocks in all
	BlockTokens int // positions per block
	// StateSlots is how many states there is memory for, those of running
	// sequences and saved ones together; 0 for models without state.
	StateSlots int
}

// A block is the entry of one block. It is in one of three conditions:
// private or shared (refs > 0), cached (refs 0, in the tree, in the LRU list),
// or free (refs 0, on the free stack).
type block struct {
	refs int32
	n    int32 // tokens under which it is published; 0: not in the tree
	key  Key   // of everything up to its end; only for full published blocks
	root *root // the tree it is published in

	parent, child, next, prev int32 // the tree: first child, siblings
	older, newer              int32 // the LRU list
	snap                      int32 // first saved state inside, by slot
}

// A root is the tree of one namespace.
type root struct {
	name  string
	key   Key
	child int32
	live  *Seq // the sequences that began in it
}

// A Pool owns the blocks and the prefix tree.
type Pool struct {
	cfg    Config
	blocks []block
	tokens []int32 // [Blocks][BlockTokens] of published blocks
	index  map[Key]int32
	roots  map[string]*root
	free   []int32

	oldest, newest int32 // LRU list of cached blocks
	cached         int

	slots stateSlots
	stats Stats
}

// Stats are counters since the start, and gauges of now.
type Stats struct {
	Blocks, Free, Cached, Used int // gauges; Used counts a shared block once
	SlotsUsed, SlotsSaved      int // state slots of running sequences; saved states

	Lookups       uint64 // sequences begun
	PromptTokens  uint64 // tokens they asked for
	CachedTokens  uint64 // tokens that they did not have to compute
	Copies        uint64 // blocks copied on write
	Evictions     uint64 // cached blocks given up for space
	SlotEvictions uint64 // saved states given up for space
	Merges        uint64 // blocks found published already when they were full
	Forks         uint64 // sequences begun as copies of others
}

// New returns a pool of free blocks.
func New(cfg Config) (*Pool, error) {
	if cfg.Blocks < 1 || cfg.BlockTokens < 1 || cfg.StateSlots < 0 {
		return nil, fmt.Errorf("kvcache: %d blocks of %d tokens with %d state slots make no pool", cfg.Blocks, cfg.BlockTokens, cfg.StateSlots)
	}
	p := &Pool{
		cfg:    cfg,
		blocks: make([]block, cfg.Blocks),
		tokens: make([]int32, cfg.Blocks*cfg.BlockTokens),
		index:  make(map[Key]int32, cfg.Blocks),
		roots:  make(map[string]*root),
		free:   make([]int32, 0, cfg.Blocks),
		oldest: none, newest: none,
	}
	for i := cfg.Blocks - 1; i >= 0; i-- {
		p.blocks[i] = block{parent: none, child: none, next: none, prev: none, older: none, newer: none, snap: none}
		p.free = append(p.free, int32(i))
	}
	p.slots.init(cfg.StateSlots)
	return p, nil
}

// BlockTokens returns the number of positions per block.
func (p *Pool) BlockTokens() int { return p.cfg.BlockTokens }

// Blocks returns the number of blocks in the pool.
func (p *Pool) Blocks() int { return p.cfg.Blocks }

// Available returns how many blocks can be had: free ones, and cached ones
// that nobody uses.
func (p *Pool) Available() int { return len(p.free) + p.cached }

// BlocksFor returns how many blocks n positions take.
func (p *Pool) BlocksFor(n int) int { return (n + p.cfg.BlockTokens - 1) / p.cfg.BlockTokens }

// Stats returns the counters.
func (p *Pool) Stats() Stats {
	s := p.stats
	s.Blocks, s.Free, s.Cached = p.cfg.Blocks, len(p.free), p.cached
	s.Used = s.Blocks - s.Free - s.Cached
	s.SlotsUsed, s.SlotsSaved = p.slots.used, p.slots.saved
	return s
}

// take returns a block with one reference, evicting a cached one if need be,
// or none.
func (p *Pool) take() int32 {
	if len(p.free) == 0 {
		if p.oldest == none {
			return none
		}
		p.stats.Evictions++
		p.drop(p.oldest)
	}
	id := p.free[len(p.free)-1]
	p.free = p.free[:len(p.free)-1]
	p.blocks[id].refs = 1
	return id
}

// drop takes a cached block out of the tree and frees it.
func (p *Pool) drop(id int32) {
	p.lruRemove(id)
	p.unpublish(id)
	p.free = append(p.free, id)
}

// retain adds a reference to a published block.
func (p *Pool) retain(id int32) {
	b := &p.blocks[id]
	if b.refs == 0 {
		p.lruRemove(id)
	}
	b.refs++
}

// release drops a reference. A published block that nobody uses any more
// becomes the most recently used of the cached ones, a private one is free.
func (p *Pool) release(id int32) {
	b := &p.blocks[id]
	if b.refs--; b.refs > 0 {
		return
	}
	if b.n > 0 {
		p.lruAppend(id)
	} else {
		p.free = append(p.free, id)
	}
}

func (p *Pool) lruAppend(id int32) {
	b := &p.blocks[id]
	b.older, b.newer = p.newest, none
	if p.newest != none {
		p.blocks[p.newest].newer = id
	} else {
		p.oldest = id
	}
	p.newest = id
	p.cached++
}

func (p *Pool) lruRemove(id int32) {
	b := &p.blocks[id]
	if b.older != none {
		p.blocks[b.older].newer = b.newer
	} else {
		p.oldest = b.newer
	}
	if b.newer != none {
		p.blocks[b.newer].older = b.older
	} else {
		p.newest = b.older
	}
	b.older, b.newer = none, none
	p.cached--
}
