package engine

import (
	"fmt"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/kvcache"
	"github.com/holdfast-llm/holdfast/internal/engine/sched"
	"github.com/holdfast-llm/holdfast/internal/machine/par"
)

// A bug must not take the program down, with everybody else's answers. There are
// three rings: a panic in what a caller brought, a mask or a function that takes
// logits, ends that sequence alone; one while a batch is computed ends the
// sequences of the batch; and one in the bookkeeping ends all that run, because
// nothing that the books say can be believed, and begins new books.

// panicked makes an error of what was recovered.
func panicked(r any) error {
	if p, ok := r.(*par.Panic); ok {
		r = p.Value // without the worker's stack, which says nothing to a user
	}
	return fmt.Errorf("engine: internal error: %v", r)
}

// turn is one round of the loop. It reports false when the engine closes.
func (l *loop) turn() (more bool) {
	defer func() {
		if r := recover(); r != nil {
			l.startOver(panicked(r))
			more = true
		}
	}()
	if !l.drain() {
		return false
	}
	l.step()
	return true
}

// newBooks makes the pool and the scheduler, with all memory free.
func (l *loop) newBooks() error {
	c, z := &l.e.cfg, l.e.size
	pool, err := kvcache.New(kvcache.Config{Blocks: z.blocks, BlockTokens: l.mem.spec.BlockTokens, StateSlots: z.slots})
	if err != nil {
		return err
	}
	sch, err := sched.New(sched.Config{
		MaxSeqs: c.MaxSeqs, MaxRows: c.MaxRows, MaxOutputs: c.MaxOutputs, Align: z.slots > 0, Interval: c.KeepEvery,
	}, pool)
	if err != nil {
		return err
	}
	l.pool, l.sch = pool, sch
	return nil
}

// startOver ends every sequence that the loop knows and forgets the cache.
func (l *loop) startOver(err error) {
	l.st.Restarts++
	l.restorer.abandon()
	l.keeper.abandon()
	l.failAll(err)
	l.ghosts = 0
	// The same sizes have made books before, so this does not fail.
	if err := l.newBooks(); err != nil {
		panic(err)
	}
	const pause = 10 * time.Millisecond // should it go on like this, the machine stays usable
	time.Sleep(pause)
}

// failAll tells all readers.
func (l *loop) failAll(err error) {
	for q := range l.live {
		q.children = nil // they are in live themselves
		l.fail(q, err)
	}
	clear(l.live)
}

// fail ends one stream, even if who is told of it panics.
func (l *loop) fail(q *sequence, err error) {
	defer func() { _ = recover() }() // the stream has ended before anything can go wrong
	l.tell(q, Failed, err)
}

// shut ends everything when the engine closes. Whether the memory can be freed is
// not known after a panic, so then it stays.
func (l *loop) shut() {
	defer func() {
		if r := recover(); r != nil {
			l.e.closeErr = panicked(r)
			for len(l.e.mailbox) > 0 {
				l.know(<-l.e.mailbox)
			}
			l.failAll(ErrClosed)
		}
	}()
	l.endAll(ErrClosed)
	l.restorer.close()
	l.keeper.close()
	l.publishStats(StepInfo{})
	l.e.closeErr = l.mem.arena.Free()
}

// abandon waits for the reader, which writes into blocks, and drops what it read.
func (r *restorer) abandon() {
	for r.now != nil && !r.now.finished.Load() {
		r.l.keeper.wait()
	}
	r.now, r.waiting = nil, nil
}

// abandon waits for the writer, which reads from blocks, and drops what it has not
// been given.
func (k *keeper) abandon() {
	k.units = nil
	for {
		k.mu.Lock()
		k.flying -= len(k.written)
		k.written, k.freed = nil, 0
		k.mu.Unlock()
		if k.flying <= 0 {
			break
		}
		k.wait()
	}
	k.flying, k.copied = 0, 0
}
