package engine

import (
	"sync/atomic"

	"github.com/holdfast-llm/holdfast/internal/engine/diskcache"
	"github.com/holdfast-llm/holdfast/internal/engine/kvcache"
	"github.com/holdfast-llm/holdfast/internal/engine/sched"
)

// A restore reads blocks of a prompt back from disk, while steps go on. For the
// pool it is a sequence that computes its tokens by reading; when it is done the
// blocks are in the prefix tree, and the request that waits for it begins on
// them like on any other. One restore runs at a time: disks like that best.
type restore struct {
	q      *sequence // on hold until then
	hold   kvcache.Seq
	tokens []int32 // the prefix that will be there
	from   int     // positions that were there before
	parts  []part
	state  []byte // where the state goes, or nil
	stateI diskcache.Item

	read     int // positions that are there now; set by the reader
	finished atomic.Bool
}

// A part is one block to read.
type part struct {
	item diskcache.Item
	dst  []byte
}

// A restorer finds out what can be read.
type restorer struct {
	l       *loop
	store   *diskcache.Store
	now     *restore
	waiting []*sequence
}

// arrive lets a new sequence into the scheduler; if more of its prompt is on disk
// than in memory it waits for that to be read.
func (r *restorer) arrive(q *sequence) {
	r.l.arrived(q)
	r.l.sch.Add(&q.Seq)
	if r.store == nil || len(q.Tokens) < minUnit {
		return
	}
	if r.now != nil {
		q.Hold = true
		r.waiting = append(r.waiting, q)
		return
	}
	r.begin(q)
}

// begin starts a restore for q, if there is one to make.
func (r *restorer) begin(q *sequence) {
	limit := min(q.LogitsFrom, len(q.Tokens)-1)
	m := r.l.pool.Match(q.Namespace, q.Tokens, limit)
	w := walk{r: r, q: q, tokens: q.Tokens[:limit], bt: r.l.mem.spec.BlockTokens}
	target := w.longest(m)
	const least = 16 // positions; fewer are computed sooner
	if target < m.Tokens+least {
		return
	}
	x := &restore{q: q, tokens: q.Tokens[:target:target]}
	if r.l.pool.Available() < r.l.pool.BlocksFor(target)-m.Full+m.Idle {
		return
	}
	a, ok := r.l.pool.Begin(&x.hold, q.Namespace, x.tokens, m.Full*w.bt)
	if !ok {
		return
	}
	x.from, x.read = a.Cached, a.Cached
	if a.CopyState {
		copy(r.l.mem.slot(int(a.StateDst)), r.l.mem.slot(int(a.StateSrc)))
	}
	if a.CopyBlock {
		copy(r.l.mem.block(a.BlockDst), r.l.mem.block(a.BlockSrc))
	}
	if !r.l.pool.Grow(&x.hold, target) || !w.plan(x, a.Cached/w.bt, target) {
		r.l.pool.End(&x.hold, nil, false)
		return
	}
	q.Hold = true
	r.now = x
	go r.load(x)
}

// load is the reader's goroutine. It touches nothing but the blocks that x holds
// for itself. After a file that cannot be believed it only looks at the others:
// what is damaged there goes, too, and will be written again.
func (r *restorer) load(x *restore) {
	defer func() {
		if recover() != nil { // a file that the store does not expect: nothing was read
			x.read = x.from
			x.finished.Store(true)
			r.l.e.wakeUp()
		}
	}()
	bt, good := r.l.mem.spec.BlockTokens, true
	for _, p := range x.parts {
		if good = r.store.Read(&p.item, p.dst) == nil && good; good {
			x.read = min(p.item.Pos+bt, len(x.tokens))
		}
	}
	if x.state != nil && (x.read < len(x.tokens) || r.store.Read(&x.stateI, x.state) != nil) {
		x.read = x.from
	}
	x.finished.Store(true)
	r.l.e.wakeUp()
}

// reap takes over what was read, and begins the next restore.
func (r *restorer) reap() {
	for r.now != nil && r.now.finished.Load() {
		x := r.now
		r.now = nil
		r.take(x)
		for len(r.waiting) > 0 && r.now == nil {
			q := r.waiting[0]
			r.waiting = r.waiting[1:]
			if q.State() == sched.Finished {
				continue
			}
			q.Hold = false
			r.begin(q)
		}
	}
}

func (r *restorer) take(x *restore) {
	pool := r.l.pool
	if x.read <= x.from {
		pool.End(&x.hold, x.tokens[:x.from], false)
	} else {
		got := x.tokens[:x.read]
		pool.Commit(&x.hold, got)
		pool.End(&x.hold, got, true)
		r.l.st.DiskTokens += uint64(x.read - x.from)
		x.q.diskFrom, x.q.diskTo = x.from, x.read
	}
	x.q.Hold = false
}

// close waits for the reader, which writes into memory that is about to be freed.
func (r *restorer) close() {
	for r.now != nil {
		if r.now.finished.Load() {
			x := r.now
			r.now = nil
			r.take(x)
			return
		}
		r.l.keeper.wait()
	}
}

// A walk follows a prompt's blocks through memory and disk.
type walk struct {
	r      *restorer
	q      *sequence
	tokens []int32
	bt     int

	tail *diskcache.Item // the unfinished block at the end
}

func (w *walk) has(kind diskcache.Kind, key kvcache.Key) bool {
	return w.r.store.Readable(kind, diskcache.Key(key))
}

// longest returns how many positions can be had from memory and disk together.
// Without states only the block where the prompt leaves what is there matters,
// and any common beginning of it counts; with them, where a state was saved.
func (w *walk) longest(m kvcache.Match) int {
	stateful := w.r.l.mem.spec.StateBytes > 0
	key, pos, best := kvcache.RootKey(w.q.Namespace), 0, 0
	for pos+w.bt <= len(w.tokens) {
		if stateful {
			best = w.child(key, pos, best, true)
		}
		next := kvcache.ChildKey(&key, w.tokens[pos:pos+w.bt])
		if pos >= m.Full*w.bt && !w.has(diskcache.Block, next) {
			break
		}
		key, pos = next, pos+w.bt
		if !stateful || w.has(diskcache.State, key) {
			best, w.tail = pos, nil
		}
	}
	return w.child(key, pos, best, stateful)
}

// child looks for the longest beginning of the rest among the blocks after key,
// and returns the best position now known.
func (w *walk) child(key kvcache.Key, pos, best int, stateful bool) int {
	rest := w.tokens[pos:]
	for _, it := range w.r.store.Children(diskcache.Key(key), stateful) {
		n := 0
		for n < min(len(it.Tokens), len(rest)) && it.Tokens[n] == rest[n] {
			n++
		}
		if stateful && (n < len(it.Tokens) || n == w.bt) || pos+n <= best || n == 0 {
			continue
		}
		best, w.tail = pos+n, &it
	}
	return best
}

// plan lists the blocks from number first on that make up target positions. It
// reports false if one of them cannot be read.
func (w *walk) plan(x *restore, first, target int) bool {
	key := kvcache.RootKey(w.q.Namespace)
	at := diskcache.Item{}
	for i := 0; i*w.bt < target; i++ {
		at = diskcache.Item{Kind: diskcache.Block, Parent: diskcache.Key(key), Pos: i * w.bt}
		if (i+1)*w.bt > target {
			if w.tail == nil {
				return false
			}
			at.Key, at.Tokens = w.tail.Key, w.tail.Tokens
		} else {
			at.Tokens = w.tokens[i*w.bt : (i+1)*w.bt]
			key = kvcache.ChildKey(&key, at.Tokens)
			at.Key = diskcache.Key(key)
		}
		if i >= first {
			if !w.r.store.Readable(diskcache.Block, at.Key) {
				return false
			}
			x.parts = append(x.parts, part{at, w.r.l.mem.block(x.hold.Blocks()[i])})
		}
	}
	if w.r.l.mem.spec.StateBytes > 0 {
		x.stateI = stateItem(at.Key, target)
		x.state = w.r.l.mem.slot(x.hold.Slot())
	}
	return true
}
