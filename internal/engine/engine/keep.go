package engine

import (
	"slices"
	"sync"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/diskcache"
	"github.com/holdfast-llm/holdfast/internal/engine/kvcache"
)

// A keeper carries cache blocks to the disk. Units to keep are noted by the
// step loop, at the end of a prompt and of an answer and where states are saved.
// Full blocks are not copied: nobody writes to a published block any more, so the
// writer reads them where they are, and they are only held in place meanwhile.
// What is unfinished, a last block and a state, is copied at the step's border.
type keeper struct {
	l      *loop
	store  *diskcache.Store
	units  []unit
	copied int64 // bytes of copies that are not written yet

	mu      sync.Mutex
	written []*kvcache.Seq // holders whose blocks are written
	freed   int64          // bytes of copies that were written
	flying  int            // holders that the writer has
}

// A unit is a beginning of a sequence that can be continued: all its full
// blocks, and copies of what follows them.
type unit struct {
	namespace string
	tokens    []int32 // of the sequence, up to the unit's end; never changed
	parent    kvcache.Key
	pos       int    // up to where it is written or being written
	tail      []byte // the unfinished last block, or nil
	state     []byte // or nil
}

// Bounds of what waits: units that come when there are more are dropped, they
// are but a convenience.
const (
	maxUnits   = 64
	maxCopied  = 256 << 20
	minUnit    = 32 // tokens; shorter beginnings are computed sooner than read
	closeLimit = 5 * time.Second
)

// keep notes the unit that ends where q stands; with whole, only its full blocks.
func (k *keeper) keep(q *sequence, whole bool) {
	s := &q.KV
	n := s.Len()
	if k.store == nil || q.req.reads() || n < minUnit || !k.store.Writing() {
		return
	}
	k.reap()
	m := k.l.mem
	bt := m.spec.BlockTokens
	if whole {
		n -= n % bt
	}
	u := unit{namespace: q.Namespace, tokens: slices.Clip(q.Tokens[:n]), parent: kvcache.RootKey(q.Namespace)}
	tail := n % bt
	size := int64(m.spec.StateBytes)
	if tail > 0 {
		size += int64(m.spec.BlockBytes)
	}
	switch {
	case len(k.units) >= maxUnits:
		return
	case whole:
	case k.copied+size > maxCopied:
		u.tokens = u.tokens[:n-tail]
	default:
		k.copied += size
		if tail > 0 {
			u.tail = slices.Clone(m.block(s.Blocks()[n/bt]))
		}
		if m.spec.StateBytes > 0 {
			u.state = slices.Clone(m.slot(s.Slot()))
		}
	}
	k.units = append(k.units, u)
}

// pump gives the writer as much as it takes. It is called between two steps.
func (k *keeper) pump() {
	if len(k.units) == 0 && k.flying == 0 {
		return
	}
	k.reap()
	for len(k.units) > 0 {
		if !k.advance(&k.units[0]) {
			return
		}
		k.units = slices.Delete(k.units, 0, 1)
	}
}

// advance writes more of a unit. It reports whether the unit is done with.
func (k *keeper) advance(u *unit) bool {
	bt := k.l.mem.spec.BlockTokens
	for u.pos+bt <= len(u.tokens) {
		part := u.tokens[u.pos : u.pos+bt]
		key := kvcache.ChildKey(&u.parent, part)
		switch ok, gone := k.block(u, key, part); {
		case gone: // evicted before its turn came: what follows is of no use
			k.copied -= int64(len(u.tail) + len(u.state))
			return true
		case !ok:
			return false
		}
		u.parent, u.pos = key, u.pos+bt
	}
	parent, key, rest := u.parent, u.parent, u.tokens[u.pos:]
	if len(rest) > 0 {
		key = kvcache.ChildKey(&parent, rest)
	}
	if u.tail != nil {
		if !k.copy(diskcache.Item{Kind: diskcache.Block, Key: diskcache.Key(key), Parent: diskcache.Key(parent), Pos: u.pos, Tokens: rest, Data: u.tail}) {
			return false
		}
		u.tail = nil
	}
	if u.state != nil {
		it := stateItem(diskcache.Key(key), len(u.tokens))
		if it.Data = u.state; !k.copy(it) {
			return false
		}
		u.state = nil
	}
	return true
}

// stateItem names the state after the block with this key, at position end.
func stateItem(key diskcache.Key, end int) diskcache.Item {
	return diskcache.Item{Kind: diskcache.State, Key: key, Parent: key, Pos: end}
}

// block gives a full block to the writer, unless it is on disk already.
func (k *keeper) block(u *unit, key kvcache.Key, tokens []int32) (ok, gone bool) {
	if k.store.Has(diskcache.Block, diskcache.Key(key)) {
		k.store.Touch(diskcache.Block, diskcache.Key(key))
		return true, false
	}
	if !k.store.Writing() {
		return false, true
	}
	hold := &kvcache.Seq{}
	id, found := k.l.pool.Hold(hold, key)
	if !found {
		return false, true
	}
	it := diskcache.Item{
		Kind: diskcache.Block, Key: diskcache.Key(key), Parent: diskcache.Key(u.parent), Pos: u.pos, Tokens: tokens, Data: k.l.mem.block(id),
	}
	if !k.store.Put(it, func() { k.wrote(hold, 0) }) {
		k.l.pool.End(hold, nil, false)
		return false, !k.store.Writing()
	}
	k.flying++
	return true, false
}

// copy gives a copy to the writer. It reports false if it must be tried again.
func (k *keeper) copy(it diskcache.Item) bool {
	size := int64(len(it.Data))
	if k.store.Has(it.Kind, it.Key) || !k.store.Writing() {
		k.store.Touch(it.Kind, it.Key)
		k.copied -= size
		return true
	}
	if !k.store.Put(it, func() { k.wrote(nil, size) }) {
		return false
	}
	k.flying++
	return true
}

// wrote is called by the writer.
func (k *keeper) wrote(hold *kvcache.Seq, size int64) {
	k.mu.Lock()
	k.written = append(k.written, hold)
	k.freed += size
	k.mu.Unlock()
	k.l.e.wakeUp()
}

// reap lets go of what is written.
func (k *keeper) reap() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, h := range k.written {
		if h != nil {
			k.l.pool.End(h, nil, false)
		}
	}
	k.flying -= len(k.written)
	k.copied -= k.freed
	k.freed = 0
	clear(k.written)
	k.written = k.written[:0]
}

// close writes what is left, for a while, and waits for the writer: it reads
// memory that is about to be freed. The store stays its owner's.
func (k *keeper) close() {
	if k.store == nil {
		return
	}
	limit := time.Now().Add(closeLimit)
	for k.pump(); len(k.units) > 0 && time.Now().Before(limit); k.pump() {
		k.wait()
	}
	k.units = nil
	for k.reap(); k.flying > 0; k.reap() {
		k.wait()
	}
}

// wait sleeps until the writer has news; a lost call costs a moment only.
func (k *keeper) wait() {
	const nap = 10 * time.Millisecond
	select {
	case <-k.l.e.wake:
	case <-time.After(nap):
	}
}
