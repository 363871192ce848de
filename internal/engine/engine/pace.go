package engine

import (
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/sched"
)

// A pace decides how many prompt rows go into a step, from how long they took
// so far. Long chunks use the machine better; but while a step runs nothing can
// be cancelled, and everybody who decodes waits for its end.
type pace struct {
	target  time.Duration // for a step of one sequence alone
	shared  time.Duration // for one while others wait, or run
	maxRows int
	last    int           // rows of the last prompt step
	perRow  time.Duration // smoothed time of a prompt row
	decode  time.Duration // smoothed time of a step of decode rows only
}

// The first chunk is small, because nothing is known yet; later ones may be
// four times the last.
const (
	firstRows  = 32
	minRows    = 16
	growthRows = 4
)

func newPace(target, shared time.Duration, maxRows int) pace {
	return pace{target: target, shared: shared, maxRows: maxRows}
}

// prefillRows returns how many prompt rows the next step may have.
func (p *pace) prefillRows(s *sched.Scheduler) int {
	if p.perRow == 0 {
		return min(firstRows, p.maxRows)
	}
	budget := p.target
	if s.Waiting()+s.Running() > 1 {
		budget = min(budget, p.shared)
	}
	if p.decode > 0 && decoding(s) {
		budget = min(budget, p.decode*3/2) // a decode row then takes 2.5 times as long as alone
	}
	rows := int(budget / p.perRow)
	return max(min(rows, growthRows*p.last, p.maxRows), min(minRows, p.maxRows))
}

func decoding(s *sched.Scheduler) bool {
	any := false
	s.Each(func(q *sched.Seq) { any = any || q.State() == sched.Running && q.Pending() == 1 })
	return any
}

// measure learns from a step.
func (p *pace) measure(plan *sched.Plan, took time.Duration) {
	switch {
	case plan.Prefill > 0:
		rows := took
		if plan.Decodes > 0 {
			rows = max(took-p.decode, took/4)
		}
		p.last = max(plan.Prefill, minRows)
		p.perRow = smooth(p.perRow, max(1, rows/time.Duration(plan.Prefill)))
	case plan.Decodes > 0:
		p.decode = smooth(p.decode, took)
	}
}

func smooth(old, v time.Duration) time.Duration {
	if old == 0 {
		return v
	}
	return (3*old + v) / 4
}
