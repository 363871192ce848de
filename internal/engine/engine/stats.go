package engine

import "github.com/holdfast-llm/holdfast/internal/engine/sched"

// publishStats makes the numbers of the last step visible to others.
func (l *loop) publishStats(i StepInfo) {
	e, st := l.e, &l.st
	st.Running = l.sch.Running()
	if i.Seqs > 0 {
		st.Steps++
		st.PrefillTokens += uint64(i.Prefill)
		st.DecodeTokens += uint64(i.Decode)
		st.StepTime += i.Took
	}
	st.Cache = l.pool.Stats()
	if l.sch.Waiting() > 0 {
		l.sch.Ahead(place)
	}
	e.statsMu.Lock()
	e.stats = *st
	e.statsMu.Unlock()
	if i.Seqs > 0 && e.cfg.Observer != nil {
		e.cfg.Observer.Step(i)
	}
}

// collectAsked is endAsked's visitor.
func (l *loop) collectAsked(s *sched.Seq) {
	if q := s.Data.(*sequence); q.asked.Load() != endNot && !q.ghost {
		l.ended = append(l.ended, q)
	}
}

// place tells a waiting sequence where it is in the queue.
func place(s *sched.Seq, ahead int) {
	s.Data.(*sequence).stream.queued(ahead)
}
