package sched

import (
	"cmp"
	"slices"

	"github.com/holdfast-llm/holdfast/internal/engine/kvcache"
)

// admit lets waiting sequences run while there is room for their prompts.
func (s *Scheduler) admit(p *Plan) {
	s.blocked = false
	for {
		q := s.next()
		if q == nil {
			return
		}
		if len(s.running) >= s.cfg.MaxSeqs {
			s.blocked = true
			return
		}
		limit := min(q.LogitsFrom, len(q.Tokens)-1)
		m := s.pool.Match(q.Namespace, q.Tokens, limit)
		if r := s.computing(q, m.Tokens, limit); r != nil {
			q.held = s.plans
			s.lift(r, q.Priority)
			continue
		}
		// One position more than the prompt: the first decode row needs it.
		need := s.pool.BlocksFor(len(q.Tokens)+1) - m.Full + m.Idle
		if len(s.running) > 0 && need+s.reserved() > s.pool.Available() {
			s.blocked = true
			return // whoever is next waits, and nobody overtakes
		}
		a, ok := s.pool.Begin(&q.KV, q.Namespace, q.Tokens, limit)
		if !ok {
			s.blocked = true
			return
		}
		s.start(p, q, a)
	}
}

func (s *Scheduler) start(p *Plan, q *Seq, a kvcache.Attach) {
	s.waiting = slices.DeleteFunc(s.waiting, func(x *Seq) bool { return x == q })
	q.state = Running
	q.user.runs(1)
	s.insert(q)
	p.Admitted = append(p.Admitted, Admission{q, a})
}

// next picks the waiting sequence whose turn it is, of those not held.
func (s *Scheduler) next() *Seq {
	var best *Seq
	for _, q := range s.waiting {
		if q.held != s.plans && !q.Hold && (best == nil || turn(q, best)) {
			best = q
		}
	}
	return best
}

// turn reports whether a's turn is before b's.
func turn(a, b *Seq) bool {
	switch {
	case a.Priority != b.Priority:
		return a.Priority > b.Priority
	case a.user.group != b.user.group:
		g, h := a.user.group, b.user.group
		return cmp.Or(cmp.Compare(g.running, h.running), less(g, h)) < 0
	}
	u, v := a.user, b.user
	return cmp.Or(cmp.Compare(u.running, v.running), cmp.Compare(u.served, v.served), cmp.Compare(a.order, b.order)) < 0
}

// reserved returns how many blocks the admitted prompts have yet to take.
func (s *Scheduler) reserved() int {
	n := 0
	for _, q := range s.running {
		if q.Pending() > 1 {
			n += max(0, s.pool.BlocksFor(len(q.Tokens)+1)-len(q.KV.Blocks()))
		}
	}
	return n
}

// computing returns a running sequence that is about to compute blocks that q
// could share, beyond the cached positions, or nil. Then q waits: two requests
// with the same long prompt cost one prefill. What they share of an unfinished
// block counts, too, if it is long or all that q lacks; a state cannot be shared
// there.
func (s *Scheduler) computing(q *Seq, cached, limit int) *Seq {
	bt := s.pool.BlockTokens()
	for _, r := range s.running {
		if r.Pending() <= 1 || r.Namespace != q.Namespace {
			continue
		}
		n := 0
		for top := min(limit, len(r.Tokens)); n < top && q.Tokens[n] == r.Tokens[n]; n++ {
		}
		if s.cfg.Align || n < limit && n-cached < bt/2 {
			n -= n % bt
		}
		if n > cached && r.KV.Len() < n {
			return r
		}
	}
	return nil
}
