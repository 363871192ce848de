package engine

import (
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/kvcache"
	"github.com/holdfast-llm/holdfast/internal/engine/sample"
	"github.com/holdfast-llm/holdfast/internal/engine/sched"
	"github.com/holdfast-llm/holdfast/internal/model"
)

// errNoRoom ends a sequence that the whole cache cannot hold. The cache is
// sized so that this does not happen.
var errNoRoom = errors.New("engine: the cache is too small for the sequence")

// A loop is the state of the step loop. Only its goroutine touches it.
type loop struct {
	e     *Engine
	mem   *cache
	pool  *kvcache.Pool
	sch   *sched.Scheduler
	plan  sched.Plan
	batch model.Batch
	sc    sample.Scratch
	pace  pace
	ended []*sequence // scratch: found to be asked to end
	st    Stats       // published after every step
	drops chan dropCache
}

func (l *loop) init(e *Engine, mem *cache, z cacheSize) error {
	spec := mem.spec
	pool, err := kvcache.New(kvcache.Config{Blocks: z.blocks, BlockTokens: spec.BlockTokens, StateSlots: z.slots})
	if err != nil {
		return err
	}
	sch, err := sched.New(sched.Config{
		MaxSeqs: e.cfg.MaxSeqs, MaxRows: e.cfg.MaxRows, MaxOutputs: e.cfg.MaxOutputs, Align: z.slots > 0,
	}, pool)
	if err != nil {
		return err
	}
	*l = loop{e: e, mem: mem, pool: pool, sch: sch, pace: newPace(e.cfg.StepTime, e.cfg.MaxRows), drops: make(chan dropCache, 1)}
	l.batch.Cache, l.batch.State = mem.blocks, mem.state
	return nil
}

// run is the step loop.
func (l *loop) run() {
	defer close(l.e.done)
	for l.drain() {
		l.step()
	}
	l.endAll(ErrClosed)
	l.e.closeErr = l.mem.arena.Free()
}

// drain takes what the outside has for the loop; it waits when there is
// nothing to do. It reports false when the engine closes.
func (l *loop) drain() bool {
	for {
		idle := l.sch.Waiting()+l.sch.Running() == 0
		if idle && !l.sleep() {
			return false
		}
		for more := true; more; {
			select {
			case <-l.e.quit:
				return false
			case q := <-l.e.mailbox:
				l.sch.Add(&q.Seq)
			case d := <-l.drops:
				d.n <- l.pool.Drop(d.namespace)
			default:
				more = false
			}
		}
		l.endAsked()
		if l.sch.Waiting()+l.sch.Running() > 0 {
			return true
		}
	}
}

// sleep waits for something to do. It reports false when the engine closes.
func (l *loop) sleep() bool {
	l.publishStats(StepInfo{})
	select {
	case <-l.e.quit:
		return false
	case q := <-l.e.mailbox:
		l.sch.Add(&q.Seq)
	case d := <-l.drops:
		d.n <- l.pool.Drop(d.namespace)
	case <-l.e.wake:
	}
	return true
}

// endAsked ends the sequences that were stopped or cancelled from outside.
func (l *loop) endAsked() {
	l.ended = l.ended[:0]
	l.sch.Each(l.collectAsked)
	for _, q := range l.ended {
		if q.asked.Load() == endStop {
			l.finish(q, Stop, nil)
		} else {
			l.finish(q, Canceled, q.ctxErr())
		}
	}
}

func (l *loop) endAll(err error) {
	for {
		select {
		case q := <-l.e.mailbox:
			l.sch.Add(&q.Seq)
			continue
		default:
		}
		break
	}
	l.ended = l.ended[:0]
	l.sch.Each(func(s *sched.Seq) { l.ended = append(l.ended, s.Data.(*sequence)) })
	for _, q := range l.ended {
		l.finish(q, Failed, err)
	}
	l.publishStats(StepInfo{})
}

// step plans and computes one batch.
func (l *loop) step() {
	begin := time.Now()
	l.sch.Plan(&l.plan, l.pace.prefillRows(l.sch))
	for _, s := range l.plan.Preempted {
		s.Data.(*sequence).res.Preemptions++
		l.st.Preemptions++
	}
	if s := l.plan.Stuck; s != nil {
		l.finish(s.Data.(*sequence), Failed, errNoRoom)
		return
	}
	l.copyCached(begin)
	if len(l.plan.Work) == 0 {
		return
	}
	l.fillBatch()
	if err := l.compute(); err != nil {
		for _, w := range l.plan.Work {
			l.finish(w.Seq.Data.(*sequence), Failed, fmt.Errorf("engine: %w", err))
		}
		return
	}
	took := time.Since(begin)
	l.pace.measure(&l.plan, took)
	l.publishStats(StepInfo{Decode: l.plan.Decodes, Prefill: l.plan.Prefill, Seqs: len(l.plan.Work), Took: took})
}

// compute runs the batch and commits it. A panic, in a kernel or in a caller's
// mask or score function, ends the sequences of this batch and not the program:
// others go on.
func (l *loop) compute() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("internal error: %v", r)
		}
	}()
	if err := l.e.cfg.Model.Forward(&l.batch); err != nil {
		return err
	}
	l.commit()
	return nil
}

// copyCached makes the copies that the admitted sequences start from.
func (l *loop) copyCached(now time.Time) {
	for _, a := range l.plan.Admitted {
		if a.Attach.CopyBlock {
			copy(l.mem.block(a.Attach.BlockDst), l.mem.block(a.Attach.BlockSrc))
		}
		switch {
		case a.Attach.CopyState:
			copy(l.mem.slot(int(a.Attach.StateDst)), l.mem.slot(int(a.Attach.StateSrc)))
		case l.mem.spec.StateBytes > 0:
			clear(l.mem.slot(a.Seq.KV.Slot()))
		}
		q := a.Seq.Data.(*sequence)
		if q.started.IsZero() {
			q.started = now
			q.res.Queued = now.Sub(q.submitted)
			q.res.CachedTokens = a.Attach.Cached
		}
		l.uncount(q)
		q.stream.progress(min(a.Attach.Cached, len(q.req.Prompt)))
	}
}

// uncount takes a sequence out of the queue's count, once.
func (l *loop) uncount(q *sequence) {
	if q.counted {
		q.counted = false
		l.e.queued.Add(-1)
	}
}

func (l *loop) fillBatch() {
	seqs := l.batch.Seqs[:0]
	for _, w := range l.plan.Work {
		seqs = append(seqs, model.BatchSeq{
			Tokens: w.Seq.Tokens[w.Pos : w.Pos+w.N], Pos: w.Pos, Blocks: w.Seq.KV.Blocks(),
			StateSlot: max(0, w.Seq.KV.Slot()), NLogits: w.Logits,
		})
	}
	l.batch.Seqs = seqs
}

// commit records what the batch computed and samples where logits came.
func (l *loop) commit() {
	vocab := l.e.cfg.Model.Config().Vocab
	rows := l.batch.Logits
	for _, w := range l.plan.Work {
		q := w.Seq.Data.(*sequence)
		end := w.Pos + w.N
		l.pool.Commit(&w.Seq.KV, w.Seq.Tokens[:end])
		l.snapshot(q, end)
		if w.Pos < len(q.req.Prompt) {
			q.stream.progress(min(end, len(q.req.Prompt)))
		}
		logits := rows[:w.Logits*vocab]
		rows = rows[w.Logits*vocab:]
		switch {
		case q.req.Score != nil:
			l.score(q, end-w.Logits, vocab, logits)
		case w.Logits > 0:
			l.sample(q, logits)
		}
	}
}

// snapshot saves the state of a model that has one, at the last block border of
// the prompt: from there a prompt with another ending, or the same one again,
// can continue. The state at the sequence's end is saved when it ends.
func (l *loop) snapshot(q *sequence, end int) {
	bt, prompt := l.mem.spec.BlockTokens, len(q.req.Prompt)
	if l.mem.spec.StateBytes == 0 || end != (prompt-1)/bt*bt {
		return
	}
	if dst, ok := l.pool.Snapshot(&q.KV); ok {
		copy(l.mem.slot(dst), l.mem.slot(q.KV.Slot()))
	}
}

func (l *loop) score(q *sequence, pos, vocab int, logits []float32) {
	for ; len(logits) > 0; pos++ {
		q.req.Score(pos, logits[:vocab])
		logits = logits[vocab:]
		q.LogitsFrom = pos + 1
	}
	if q.LogitsFrom >= len(q.Tokens) {
		l.finish(q, Scored, nil)
	}
}

// sample picks the next token of q from the logits of its last position.
func (l *loop) sample(q *sequence, logits []float32) {
	var mask sample.Mask
	if q.req.Mask != nil {
		mask = q.req.Mask
	}
	id, err := q.sampler.Sample(&l.sc, logits, q.Tokens, mask)
	if err != nil {
		l.finish(q, Failed, fmt.Errorf("engine: after %d tokens: %w", len(q.Tokens), err))
		return
	}
	t := Token{ID: id}
	if q.req.Logprobs > 0 {
		t.Logprob = float32(float64(logits[id]) - sample.LogSumExp(logits))
		t.Top = sample.TopLogprobs(nil, &l.sc, logits, q.req.Logprobs-1)
	}
	if q.first.IsZero() {
		q.first = time.Now()
		q.res.First = q.first.Sub(q.submitted)
	}
	l.st.Generated++
	if r := q.commitToken(t, l.e.cfg.Context); r != 0 {
		l.finish(q, r, nil)
	}
}

// finish takes a sequence out and tells its reader.
func (l *loop) finish(q *sequence, r Reason, err error) {
	if q.State() == sched.Finished {
		return
	}
	l.sch.Remove(&q.Seq, r != Failed)
	l.uncount(q)
	q.detach()
	now := time.Now()
	q.res.Reason, q.res.Err = r, err
	q.res.Total = now.Sub(q.submitted)
	if !q.first.IsZero() {
		q.res.Decode = now.Sub(q.first)
	}
	st := &l.st
	st.Finished++
	switch r {
	case Canceled:
		st.Canceled++
	case Failed:
		st.Failed++
	default:
	}
	q.stream.finish(q.res)
	if l.e.cfg.Observer != nil {
		l.e.cfg.Observer.Finished(q.res)
	}
}
