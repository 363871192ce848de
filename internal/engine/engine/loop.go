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

	keeper   *keeper
	restorer restorer
	ghosts   int                    // sequences that run for nobody
	live     map[*sequence]struct{} // whose streams have not ended
}

func (l *loop) init(e *Engine, mem *cache) error {
	*l = loop{
		e: e, mem: mem, pace: newPace(e.cfg.StepTime, e.cfg.SharedStepTime, e.cfg.MaxRows),
		drops: make(chan dropCache, 1), live: map[*sequence]struct{}{},
	}
	if err := l.newBooks(); err != nil {
		return err
	}
	l.batch.Cache, l.batch.State = mem.blocks, mem.state
	// The two write back to the loop where it will stay.
	l.keeper = &keeper{l: &e.loop, store: e.cfg.Disk}
	l.restorer = restorer{l: &e.loop, store: e.cfg.Disk}
	return nil
}

// run is the step loop.
func (l *loop) run() {
	defer close(l.e.done)
	for l.turn() {
	}
	l.shut()
}

// drain takes what the outside has for the loop; it waits when there is
// nothing to do. It reports false when the engine closes.
func (l *loop) drain() bool {
	for {
		if !l.sch.Busy() && !l.sleep() {
			return false
		}
		for more := true; more; {
			select {
			case <-l.e.quit:
				return false
			case q := <-l.e.mailbox:
				l.restorer.arrive(q)
			case d := <-l.drops:
				d.n <- l.pool.Drop(d.namespace)
			default:
				more = false
			}
		}
		l.endAsked()
		l.restorer.reap()
		l.keeper.pump()
		if l.sch.Busy() {
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
		l.restorer.arrive(q)
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
		switch {
		case q.asked.Load() == endStop:
			l.finish(q, Stop, nil)
		case l.haunt(q):
			l.tell(q, Canceled, q.ctxErr())
		default:
			l.finish(q, Canceled, q.ctxErr())
		}
	}
}

func (l *loop) endAll(err error) {
	for {
		select {
		case q := <-l.e.mailbox:
			l.know(q)
			l.sch.Add(&q.Seq)
			continue
		default:
		}
		break
	}
	for l.sch.Waiting()+l.sch.Running() > 0 { // children join when their parent ends
		l.ended = l.ended[:0]
		l.sch.Each(func(s *sched.Seq) { l.ended = append(l.ended, s.Data.(*sequence)) })
		for _, q := range l.ended {
			l.keeper.keep(q, true)
			l.finish(q, Failed, err)
		}
	}
	l.publishStats(StepInfo{})
}

// step plans and computes one batch.
func (l *loop) step() {
	begin := time.Now()
	l.exorcise()
	l.sch.Plan(&l.plan, l.pace.prefillRows(l.sch))
	for _, s := range l.plan.Preempted {
		q := s.Data.(*sequence)
		q.res.Preemptions++
		l.st.Preemptions++
		if q.ghost {
			l.vanish(q)
		}
	}
	if s := l.plan.Stuck; s != nil && !l.busyDisk() {
		l.finish(s.Data.(*sequence), Failed, errNoRoom)
		return
	}
	l.copyCached(begin)
	if len(l.plan.Work) == 0 {
		if l.busyDisk() {
			l.keeper.wait() // for the blocks that it holds
		}
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

// compute runs the batch and commits it. A panic ends the sequences of this batch;
// others go on.
func (l *loop) compute() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = panicked(r)
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
	for i := range l.plan.Admitted {
		a := &l.plan.Admitted[i]
		l.copyFor(&a.Attach)
		if !a.Attach.CopyState && l.mem.spec.StateBytes > 0 {
			clear(l.mem.slot(a.Seq.KV.Slot()))
		}
		l.admitted(a.Seq.Data.(*sequence), a.Attach.Cached, now)
	}
}

func (l *loop) copyFor(a *kvcache.Attach) {
	if a.CopyBlock {
		copy(l.mem.block(a.BlockDst), l.mem.block(a.BlockSrc))
	}
	if a.CopyState {
		copy(l.mem.slot(int(a.StateDst)), l.mem.slot(int(a.StateSrc)))
	}
}

// admitted notes that q runs now, and with how much of its prompt.
func (l *loop) admitted(q *sequence, cached int, now time.Time) {
	if q.started.IsZero() {
		q.started = now
		q.res.Queued = max(0, now.Sub(q.submitted))
		q.res.CachedTokens = cached
		q.res.DiskTokens = max(0, min(cached, q.diskTo)-q.diskFrom)
	}
	l.uncount(q)
	q.stream.queued(-1)
	q.stream.progress(min(cached, len(q.req.Prompt)))
}

// busyDisk reports whether blocks are held for reading or writing.
func (l *loop) busyDisk() bool { return l.restorer.now != nil || l.keeper.flying > 0 }

// uncount takes a sequence out of the queue's count, once.
func (l *loop) uncount(q *sequence) {
	if q.counted {
		q.counted = false
		l.e.queue.leave(q.payer())
	}
}

func (l *loop) fillBatch() {
	seqs := l.batch.Seqs[:0]
	for _, w := range l.plan.Work {
		seqs = append(seqs, model.BatchSeq{
			Tokens: w.Seq.Tokens[w.Pos : w.Pos+w.N], Pos: w.Pos, Blocks: w.Seq.KV.Blocks(),
			StateSlot: max(0, w.Seq.KV.Slot()), NLogits: w.Logits, Hidden: w.Seq.Data.(*sequence).req.Hidden != nil,
		})
	}
	l.batch.Seqs = seqs
}

// commit records what the batch computed and samples where logits came.
func (l *loop) commit() {
	cfg := l.e.cfg.Model.Config()
	rows, states := l.batch.Logits, l.batch.Hidden
	for _, w := range l.plan.Work {
		q := w.Seq.Data.(*sequence)
		end := w.Pos + w.N
		l.pool.Commit(&w.Seq.KV, w.Seq.Tokens[:end])
		if w.Pos < len(q.req.Prompt) {
			l.readOn(q, w.Pos, end)
		}
		n, m := w.Logits*cfg.Vocab, 0
		if q.req.Hidden != nil && !q.ghost {
			n, m = 0, w.Logits*cfg.Embd
		}
		l.deliver(q, end-w.Logits, rows[:n], states[:m])
		rows, states = rows[n:], states[m:]
		if q.ghost && end >= len(q.req.Prompt) {
			l.vanish(q)
		}
	}
}

// deliver hands on what the batch computed of a sequence, from pos on. A panic in
// the caller's mask or function ends the sequence.
func (l *loop) deliver(q *sequence, pos int, logits, states []float32) {
	defer func() {
		if r := recover(); r != nil {
			l.finish(q, Failed, panicked(r))
		}
	}()
	cfg := l.e.cfg.Model.Config()
	switch {
	case len(states) > 0:
		l.score(q, q.req.Hidden, pos, cfg.Embd, states)
	case len(logits) > 0 && q.req.Score != nil:
		l.score(q, q.req.Score, pos, cfg.Vocab, logits)
	case len(logits) > 0:
		l.fork(q, logits)
		l.sample(q, logits)
	}
}

// readOn is told that a prompt is read from pos to end.
func (l *loop) readOn(q *sequence, pos, end int) {
	if !q.ghost {
		q.stream.progress(min(end, len(q.req.Prompt)))
	}
	every := l.e.cfg.KeepEvery
	switch saved := l.snapshot(q, pos, end); {
	case end == len(q.req.Prompt) && !q.ghost: // a ghost's is kept when it vanishes
		l.keeper.keep(q, false)
	case saved:
		l.keeper.keep(q, false)
	case pos/every != end/every:
		l.keeper.keep(q, true)
	}
}

// snapshot saves the state of a sequence where it is worth it: at the last block
// border of its prompt, where other prompts part from it, and at intervals.
func (l *loop) snapshot(q *sequence, pos, end int) bool {
	if l.mem.spec.StateBytes == 0 || end != l.sch.Border(&q.Seq, pos) {
		return false
	}
	dst, ok := l.pool.Snapshot(&q.KV)
	if ok {
		copy(l.mem.slot(dst), l.mem.slot(q.KV.Slot()))
	}
	return ok
}

// score gives rows of so many values to the function that asked for them.
func (l *loop) score(q *sequence, f func(int, []float32), pos, width int, rows []float32) {
	for ; len(rows) > 0; pos++ {
		f(pos, rows[:width])
		rows = rows[width:]
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
	switch {
	case q.State() == sched.Finished:
		return
	case q.ghost:
		l.vanish(q)
		return
	}
	if r != Failed && q.State() == sched.Running {
		l.keeper.keep(q, false)
	}
	l.sch.Remove(&q.Seq, r != Failed)
	l.tell(q, r, err)
}

// tell ends a sequence's stream.
func (l *loop) tell(q *sequence, r Reason, err error) {
	l.release(q)
	l.uncount(q)
	delete(l.live, q)
	q.detach()
	now := time.Now()
	q.res.Reason, q.res.Err = r, err
	q.res.Total = now.Sub(q.submitted)
	if !q.first.IsZero() {
		q.res.Decode = now.Sub(q.first)
	}
	st := &l.st
	st.Finished++
	if !q.started.IsZero() {
		st.MeanTime = smooth(st.MeanTime, now.Sub(q.started))
	}
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

// know keeps a sequence and its children where they are found whatever happens.
func (l *loop) know(q *sequence) {
	l.live[q] = struct{}{}
	for _, c := range q.children {
		l.live[c] = struct{}{}
	}
}

// arrived looks at a sequence for the first time.
func (l *loop) arrived(q *sequence) {
	l.know(q)
	if l.mem.spec.StateBytes > 0 {
		q.Shared = l.pool.Prefix(q.Namespace, q.Tokens)
	}
}
