package sched

import (
	"slices"

	"github.com/holdfast-llm/holdfast/internal/engine/kvcache"
)

// Busy reports whether there is anything to plan: a sequence that runs, or one
// that waits and is not on hold.
func (s *Scheduler) Busy() bool {
	return len(s.running) > 0 || slices.ContainsFunc(s.waiting, func(q *Seq) bool { return !q.Hold })
}

// Blocked reports whether a waiting sequence found no room in the last plan.
func (s *Scheduler) Blocked() bool { return s.blocked }

// Fork lets child, which was never added, run from where parent stands: the
// same tokens in the same blocks. The copies that the result names must be made
// before anything else happens. It reports false, changing nothing, when there
// is no room; child can then be added like any other.
func (s *Scheduler) Fork(child, parent *Seq) (kvcache.Attach, bool) {
	if parent.state != Running || len(s.running) >= s.cfg.MaxSeqs {
		return kvcache.Attach{}, false
	}
	a, ok := s.pool.Fork(&child.KV, &parent.KV)
	if !ok {
		return a, false
	}
	s.orders++
	child.order, child.state, child.user = s.orders, Running, s.enter(child)
	child.user.runs(1)
	s.insert(child)
	return a, true
}

// insert puts q into its place among the running ones.
func (s *Scheduler) insert(q *Seq) {
	at, _ := slices.BinarySearchFunc(s.running, q, before)
	s.running = slices.Insert(s.running, at, q)
}

// SetPriority changes the priority of a sequence.
func (s *Scheduler) SetPriority(q *Seq, priority int) {
	q.Priority = priority
	if q.state == Running {
		slices.SortFunc(s.running, before)
	}
}

// lift gives r the priority of somebody who waits for it, if that is higher.
func (s *Scheduler) lift(r *Seq, priority int) {
	if r.Priority < priority {
		s.SetPriority(r, priority)
	}
}

// Ahead calls f for every waiting sequence, in the order in which they would be
// admitted now, with the number of those before it.
func (s *Scheduler) Ahead(f func(q *Seq, ahead int)) {
	s.ranked = append(s.ranked[:0], s.waiting...)
	slices.SortFunc(s.ranked, func(a, b *Seq) int {
		switch {
		case turn(a, b):
			return -1
		case turn(b, a):
			return 1
		}
		return 0
	})
	for i, q := range s.ranked {
		f(q, i)
	}
}
