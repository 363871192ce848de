package sched

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/holdfast-llm/holdfast/internal/engine/kvcache"
)

// Config bounds a step.
type Config struct {
	MaxSeqs    int // sequences that run together; at most MaxRows
	MaxRows    int // token rows per step
	MaxOutputs int // rows with logits per step; at least MaxSeqs
	// Align ends a prompt chunk at the last block border before the prompt's
	// end, where the state of models that have one can be saved; also at the
	// border before Seq.Shared, and at every multiple of Interval.
	Align bool
	// Interval is in positions, a multiple of the block; 0 means none.
	Interval int
}

// Work is one sequence's share of a step: tokens [Pos, Pos+N), the last Logits
// of them with logits.
type Work struct {
	Seq            *Seq
	Pos, N, Logits int
}

// An Admission is a sequence that begins to run in this step, and what must be
// copied for it first.
type Admission struct {
	Seq    *Seq
	Attach kvcache.Attach
}

// A Plan is what one step does, in this order: preempted sequences lost their
// blocks; admissions are copied for, in order; the work is computed in one batch.
type Plan struct {
	Preempted []*Seq
	Admitted  []Admission
	Work      []Work
	Decodes   int // rows of Work that are decode rows
	Prefill   int // rows of Work that are prompt rows
	// Stuck is a sequence that no pool of this size can hold, or nil. The owner
	// must remove it.
	Stuck *Seq
}

func (p *Plan) reset() {
	*p = Plan{Preempted: p.Preempted[:0], Admitted: p.Admitted[:0], Work: p.Work[:0]}
}

// A Scheduler holds the queues. It is not safe for concurrent use.
type Scheduler struct {
	cfg     Config
	pool    *kvcache.Pool
	waiting []*Seq // in no order
	running []*Seq // sorted by before
	prefill []*Seq // scratch of Plan
	ranked  []*Seq // scratch of Ahead
	groups  map[string]*user
	ids     uint64 // of users and groups
	orders  uint64
	plans   uint64
	outputs int // rows with logits in the plan being made
	blocked bool
}

// New returns a scheduler over a pool.
func New(cfg Config, pool *kvcache.Pool) (*Scheduler, error) {
	if cfg.MaxSeqs < 1 || cfg.MaxRows < cfg.MaxSeqs || cfg.MaxOutputs < cfg.MaxSeqs {
		return nil, fmt.Errorf("sched: %d sequences need at least as many rows and outputs per step, not %d and %d", cfg.MaxSeqs, cfg.MaxRows, cfg.MaxOutputs)
	}
	return &Scheduler{cfg: cfg, pool: pool, groups: map[string]*user{}}, nil
}

// Waiting returns how many sequences wait, Running how many run.
func (s *Scheduler) Waiting() int { return len(s.waiting) }

// Running returns how many sequences hold blocks.
func (s *Scheduler) Running() int { return len(s.running) }

// Each calls f for every sequence that is not finished. f may not change the
// scheduler.
func (s *Scheduler) Each(f func(*Seq)) {
	for _, q := range s.running {
		f(q)
	}
	for _, q := range s.waiting {
		f(q)
	}
}

// Add puts a sequence into the queue.
func (s *Scheduler) Add(q *Seq) {
	s.orders++
	q.order, q.state, q.user = s.orders, Waiting, s.enter(q)
	s.waiting = append(s.waiting, q)
}

// Remove takes a sequence out, whether it finished or was cancelled. With keep
// its blocks stay in the prefix cache.
func (s *Scheduler) Remove(q *Seq, keep bool) {
	switch q.state {
	case Running:
		s.stop(q, keep)
	case Waiting, Preempted:
		s.waiting = slices.DeleteFunc(s.waiting, func(x *Seq) bool { return x == q })
	case Finished:
		return
	}
	q.state = Finished
	q.user.leave()
}

// stop takes the blocks of a running sequence.
func (s *Scheduler) stop(q *Seq, keep bool) {
	s.pool.End(&q.KV, q.Tokens, keep)
	s.running = slices.DeleteFunc(s.running, func(x *Seq) bool { return x == q })
	q.user.runs(-1)
}

// Plan fills p with the next step. prefill is how many prompt rows it may hold
// besides the decode rows.
func (s *Scheduler) Plan(p *Plan, prefill int) {
	p.reset()
	s.plans++
	s.outputs = 0
	s.planDecodes(p)
	if len(p.Preempted) == 0 {
		s.admit(p)
	}
	prefill = min(prefill, s.cfg.MaxRows-p.Decodes)
	s.planPrefills(p, prefill)
	// Prompts may hold all blocks between them with none left to go on: take
	// the newest ones' until something can run.
	for len(p.Work) == 0 && len(s.running) > 0 && prefill > 0 {
		last := s.running[len(s.running)-1]
		if len(s.running) == 1 {
			p.Stuck = last
			return
		}
		s.preempt(p, last)
		s.planDecodes(p)
		s.planPrefills(p, prefill)
	}
}

// planDecodes gives every running sequence with one pending token its row,
// preempting from the end of the order where blocks are short.
func (s *Scheduler) planDecodes(p *Plan) {
	for i := 0; ; i++ {
		if i >= len(s.running) { // it shrinks on the way
			return
		}
		q := s.running[i]
		if q.Pending() != 1 {
			continue
		}
		for !s.pool.Grow(&q.KV, len(q.Tokens)) {
			last := s.running[len(s.running)-1]
			if last == q && len(s.running) == 1 {
				break // Plan says that it is stuck
			}
			s.preempt(p, last)
			if last == q {
				break
			}
		}
		if q.state == Running && len(q.KV.Blocks()) >= s.pool.BlocksFor(len(q.Tokens)) {
			s.add(p, q, 1)
			p.Decodes++
			q.user.serve(decodeWeight)
		}
	}
}

func (s *Scheduler) preempt(p *Plan, q *Seq) {
	s.stop(q, true)
	q.state = Preempted
	s.waiting = append(s.waiting, q)
	p.Preempted = append(p.Preempted, q)
}

// add puts the next n tokens of q into the plan.
func (s *Scheduler) add(p *Plan, q *Seq, n int) {
	pos := q.KV.Len()
	logits := max(0, pos+n-max(pos, q.LogitsFrom))
	s.outputs += logits
	q.planned = s.plans
	p.Work = append(p.Work, Work{Seq: q, Pos: pos, N: n, Logits: logits})
}

// planPrefills shares the prompt rows out, in the order of priority, service
// and arrival.
func (s *Scheduler) planPrefills(p *Plan, rows int) {
	s.prefill = s.prefill[:0]
	for _, q := range s.running {
		if q.planned != s.plans { // one admitted just now may lack a single token, too
			s.prefill = append(s.prefill, q)
		}
	}
	slices.SortFunc(s.prefill, func(a, b *Seq) int {
		switch {
		case a.Priority != b.Priority:
			return b.Priority - a.Priority
		case a.user.group != b.user.group:
			return less(a.user.group, b.user.group)
		}
		return cmp.Or(cmp.Compare(a.user.served, b.user.served), before(a, b))
	})
	for _, q := range s.prefill {
		n := s.chunk(q, rows)
		if n <= 0 || !s.pool.Grow(&q.KV, q.KV.Len()+n) {
			continue
		}
		s.add(p, q, n)
		p.Prefill += n
		rows -= n
		q.user.serve(uint64(n))
	}
}

// Border returns the next position after pos where a state of q is worth saving,
// or pos if there is none.
func (s *Scheduler) Border(q *Seq, pos int) int {
	bt := s.pool.BlockTokens()
	next := pos
	for _, b := range [...]int{s.interval(pos), q.Shared / bt * bt, (len(q.Tokens) - 1) / bt * bt} {
		if b > pos && b < len(q.Tokens) && (next == pos || b < next) {
			next = b
		}
	}
	return next
}

// interval returns the next multiple of Interval after pos, or 0.
func (s *Scheduler) interval(pos int) int {
	if s.cfg.Interval <= 0 {
		return 0
	}
	return (pos/s.cfg.Interval + 1) * s.cfg.Interval
}

// chunk returns how many of the next tokens of q can be computed in a step
// that has room for rows more.
func (s *Scheduler) chunk(q *Seq, rows int) int {
	pos := q.KV.Len()
	n := min(q.Pending(), rows, s.pool.Room(&q.KV)-pos)
	if s.cfg.Align {
		if b := s.Border(q, pos); b > pos {
			n = min(n, b-pos)
		}
	}
	// Rows that need logits are scarcer than rows: a model keeps room for few.
	free := max(0, q.LogitsFrom-pos)
	return min(n, free+s.cfg.MaxOutputs-s.outputs)
}
