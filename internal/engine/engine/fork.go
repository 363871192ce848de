package engine

import (
	"math"

	"github.com/holdfast-llm/holdfast/internal/engine/kvcache"
	"github.com/holdfast-llm/holdfast/internal/engine/sched"
)

// fork starts the children of a sequence whose prompt has just been read: they
// share its blocks, and sample their first tokens from the same logits. Where
// there is no room they queue like any other, and find the prompt in the cache.
func (l *loop) fork(q *sequence, logits []float32) {
	children := q.children
	q.children = nil
	for _, c := range children {
		a, ok := kvcache.Attach{}, false
		if c.asked.Load() == endNot {
			a, ok = l.sch.Fork(&c.Seq, &q.Seq)
		}
		if !ok {
			l.sch.Add(&c.Seq)
			continue
		}
		l.copyFor(&a)
		l.admitted(c, a.Cached, q.started)
		l.st.Forked++
		l.deliver(c, 0, logits, nil)
	}
}

// release lets the children of a sequence that ends too early go their own way.
func (l *loop) release(q *sequence) {
	children := q.children
	q.children = nil
	for _, c := range children {
		l.sch.Add(&c.Seq)
	}
}

// maxGhosts bounds how many prompts are read on for nobody.
const maxGhosts = 4

// haunt lets the prompt of a sequence be read to its end, though its reader is
// gone, with the lowest priority. It reports whether that makes sense.
func (l *loop) haunt(q *sequence) bool {
	if !q.req.KeepPrefill || q.State() != sched.Running || q.KV.Len() >= len(q.req.Prompt) || l.ghosts >= maxGhosts {
		return false
	}
	q.ghost = true
	l.ghosts++
	l.st.KeptPrefills++
	q.LogitsFrom = len(q.Tokens) // no logits, nothing to sample
	l.sch.SetPriority(&q.Seq, math.MinInt32)
	return true
}

// vanish ends a ghost; what it computed stays in the cache.
func (l *loop) vanish(q *sequence) {
	if q.State() == sched.Finished {
		return
	}
	l.ghosts--
	if q.State() == sched.Running {
		l.keeper.keep(q, false)
	}
	l.sch.Remove(&q.Seq, true)
}

// exorcise ends all ghosts when somebody who is alive finds no room.
func (l *loop) exorcise() {
	if l.ghosts == 0 || !l.sch.Blocked() {
		return
	}
	l.ended = l.ended[:0]
	l.sch.Each(func(s *sched.Seq) {
		if q := s.Data.(*sequence); q.ghost {
			l.ended = append(l.ended, q)
		}
	})
	for _, q := range l.ended {
		l.vanish(q)
	}
}
