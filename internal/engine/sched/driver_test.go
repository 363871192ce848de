package sched

import (
	"fmt"
	"slices"

	"github.com/holdfast-llm/holdfast/internal/engine/engine/enginetest"
	"github.com/holdfast-llm/holdfast/internal/engine/kvcache"
	"github.com/holdfast-llm/holdfast/internal/model"
)

// A driver runs plans on the fake model, as the engine would, but step by step.
type driver struct {
	m     *enginetest.Model
	cfg   Config
	pool  *kvcache.Pool
	sch   *Scheduler
	plan  Plan
	batch model.Batch
	live  []*job
}

// A job is a sequence under test: a prompt, and how many tokens it wants.
type job struct {
	Seq
	name   string
	prompt int
	max    int // tokens to generate; 0 scores the prompt
	scored int
	done   bool
}

func newDriver(m *enginetest.Model, cfg Config, blocks, slots int) (*driver, error) {
	pool, err := kvcache.New(kvcache.Config{Blocks: blocks, BlockTokens: m.Spec.BlockTokens, StateSlots: slots})
	if err != nil {
		return nil, err
	}
	cfg.Align = slots > 0
	sch, err := New(cfg, pool)
	if err != nil {
		return nil, err
	}
	d := &driver{m: m, cfg: cfg, pool: pool, sch: sch}
	d.batch.Cache = make([]byte, blocks*m.Spec.BlockBytes)
	d.batch.State = make([]byte, slots*m.Spec.StateBytes)
	return d, nil
}

func (d *driver) add(j *job) {
	j.prompt, j.Data = len(j.Tokens), j
	if j.max > 0 {
		j.LogitsFrom = len(j.Tokens) - 1
	}
	d.live = append(d.live, j)
	d.sch.Add(&j.Seq)
}

func (d *driver) remove(j *job) {
	d.sch.Remove(&j.Seq, true)
	j.done = true
	d.live = slices.DeleteFunc(d.live, func(x *job) bool { return x == j })
}

// step plans and computes one batch.
func (d *driver) step(prefill int) error {
	d.sch.Plan(&d.plan, prefill)
	if err := d.checkPlan(prefill); err != nil {
		return err
	}
	for _, a := range d.plan.Admitted {
		d.copyFor(a)
	}
	d.batch.Seqs = d.batch.Seqs[:0]
	for _, w := range d.plan.Work {
		d.batch.Seqs = append(d.batch.Seqs, model.BatchSeq{
			Tokens: w.Seq.Tokens[w.Pos : w.Pos+w.N], Pos: w.Pos, Blocks: w.Seq.KV.Blocks(), StateSlot: max(0, w.Seq.KV.Slot()), NLogits: w.Logits,
		})
	}
	if err := d.m.Forward(&d.batch); err != nil {
		return err
	}
	return d.commit()
}

func (d *driver) copyFor(a Admission) {
	bb, sb := d.m.Spec.BlockBytes, d.m.Spec.StateBytes
	if a.Attach.CopyBlock {
		copy(d.batch.Cache[int(a.Attach.BlockDst)*bb:][:bb], d.batch.Cache[int(a.Attach.BlockSrc)*bb:][:bb])
	}
	if a.Attach.CopyState {
		copy(d.batch.State[int(a.Attach.StateDst)*sb:][:sb], d.batch.State[int(a.Attach.StateSrc)*sb:][:sb])
	}
}

func (d *driver) commit() error {
	logits := d.batch.Logits
	for _, w := range d.plan.Work {
		j := w.Seq.Data.(*job)
		end := w.Pos + w.N
		d.pool.Commit(&w.Seq.KV, w.Seq.Tokens[:end])
		if d.m.Spec.StateBytes > 0 {
			if dst, ok := d.pool.Snapshot(&w.Seq.KV); ok {
				sb := d.m.Spec.StateBytes
				copy(d.batch.State[dst*sb:][:sb], d.batch.State[w.Seq.KV.Slot()*sb:][:sb])
			}
		}
		for i := range w.Logits {
			pos := end - w.Logits + i
			best := int32(slices.Index(logits[:d.m.Cfg.Vocab], 0)) // the fake's best logit is 0
			logits = logits[d.m.Cfg.Vocab:]
			if best != d.m.Next(w.Seq.Tokens[:pos+1]) {
				return fmt.Errorf("%s: wrong logits at position %d", j.name, pos)
			}
			if pos != j.LogitsFrom {
				return fmt.Errorf("%s: logits of position %d, want %d", j.name, pos, j.LogitsFrom)
			}
			j.LogitsFrom++
			if j.max > 0 {
				j.Tokens = append(j.Tokens, best)
			} else {
				j.scored++
			}
		}
		if len(j.Tokens) == j.prompt+j.max && (j.max > 0 || j.scored == j.prompt) {
			d.remove(j)
		}
	}
	return nil
}

// checkPlan verifies what must hold for every plan.
func (d *driver) checkPlan(prefill int) error {
	p := &d.plan
	rows, outputs, decodes := 0, 0, 0
	seen := map[*Seq]bool{}
	for _, w := range p.Work {
		q := w.Seq
		if seen[q] || q.state != Running || w.N < 1 || w.Pos != q.KV.Len() || w.Pos+w.N > len(q.Tokens) {
			return fmt.Errorf("bad work %+v", w)
		}
		seen[q] = true
		if len(q.KV.Blocks()) < d.pool.BlocksFor(w.Pos+w.N) {
			return fmt.Errorf("no blocks for %+v", w)
		}
		rows, outputs = rows+w.N, outputs+w.Logits
	}
	decodes = p.Decodes
	switch {
	case rows != p.Decodes+p.Prefill, rows > d.cfg.MaxRows, p.Prefill > prefill:
		return fmt.Errorf("%d rows, %d decode and %d prompt of %d", rows, decodes, p.Prefill, prefill)
	case outputs > d.cfg.MaxOutputs, d.sch.Running() > d.cfg.MaxSeqs:
		return fmt.Errorf("%d outputs, %d running", outputs, d.sch.Running())
	case p.Stuck != nil:
		return fmt.Errorf("%s is stuck", p.Stuck.Data.(*job).name)
	case rows == 0 && len(d.live) > 0:
		return fmt.Errorf("nothing to do for %d sequences", len(d.live))
	}
	return nil
}
