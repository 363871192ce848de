package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/diskcache"
	"github.com/holdfast-llm/holdfast/internal/engine/kvcache"
	"github.com/holdfast-llm/holdfast/internal/engine/sample"
	"github.com/holdfast-llm/holdfast/internal/engine/sched"
	"github.com/holdfast-llm/holdfast/internal/model"
)

// An Engine runs sequences on one model. Its methods are safe for concurrent use.
type Engine struct {
	cfg  Config
	size cacheSize

	mu      sync.RWMutex // held for reading while a request enters the mailbox
	closed  bool
	mailbox chan *sequence
	queue   queue // of requests that do not run yet
	ids     atomic.Uint64
	wake    chan struct{} // holds a value when the loop has something to look at
	quit    chan struct{}
	done    chan struct{} // closed when the loop has ended

	closeErr error // of freeing the cache; set before done is closed

	loop loop // the loop's own

	statsMu sync.Mutex
	stats   Stats
}

// New allocates the cache and starts the step loop. The model stays the
// caller's, but nobody else may call its Forward until Close has returned.
func New(cfg Config) (*Engine, error) {
	if err := cfg.withDefaults(); err != nil {
		return nil, err
	}
	mem, z, err := cfg.allocate()
	if err != nil {
		return nil, err
	}
	e := &Engine{
		cfg: cfg, size: z,
		mailbox: make(chan *sequence, cfg.Queue),
		queue:   newQueue(cfg.Queue),
		wake:    make(chan struct{}, 1),
		quit:    make(chan struct{}),
		done:    make(chan struct{}),
	}
	if err := e.loop.init(e, mem); err != nil {
		_ = mem.arena.Free() // the first error is the one to tell
		return nil, err
	}
	go e.loop.run()
	return e, nil
}

// Disk returns the store that keeps blocks, or nil.
func (e *Engine) Disk() *diskcache.Store { return e.cfg.Disk }

// Context returns how many positions a sequence may have.
func (e *Engine) Context() int { return e.cfg.Context }

// ModelConfig returns the sizes of the model. The caller must not change them.
func (e *Engine) ModelConfig() *model.Config { return e.cfg.Model.Config() }

// Memory lists the cache, for a report beside the model's own.
func (e *Engine) Memory() []model.MemoryPart {
	parts := []model.MemoryPart{{Name: "cache", Bytes: e.size.blockMem}}
	if e.size.slotMem > 0 {
		parts = append(parts, model.MemoryPart{Name: "state", Bytes: e.size.slotMem})
	}
	return parts
}

// Submit queues a request. The request must not be changed until the stream
// has ended. Cancelling ctx ends the sequence within one step.
//
// It returns an *OverloadedError when the queue is full, a *ContextError for a prompt
// that leaves no room, ErrClosed after Close.
func (e *Engine) Submit(ctx context.Context, req *Request) (*Stream, error) {
	q, err := e.newSequence(req)
	if err != nil {
		return nil, err
	}
	if err := e.post(ctx, q); err != nil {
		return nil, err
	}
	return q.stream, nil
}

// SubmitN queues several requests that have the same prompt, user, namespace and
// priority: the prompt is read once, and the answers fork from there. All are
// queued or none is.
func (e *Engine) SubmitN(ctx context.Context, reqs []*Request) ([]*Stream, error) {
	if len(reqs) == 0 {
		return nil, errors.New("engine: no request")
	}
	all := make([]*sequence, len(reqs))
	streams := make([]*Stream, len(reqs))
	for i, r := range reqs {
		if i > 0 && (!slices.Equal(r.Prompt, reqs[0].Prompt) || r.Namespace != reqs[0].Namespace || r.reads() || reqs[0].reads()) {
			return nil, fmt.Errorf("engine: request %d of %d has another prompt or namespace, or asks for logits or states", i, len(reqs))
		}
		q, err := e.newSequence(r)
		if err != nil {
			return nil, err
		}
		all[i], streams[i] = q, q.stream
	}
	all[0].children = all[1:]
	if err := e.post(ctx, all[0]); err != nil {
		return nil, err
	}
	return streams, nil
}

// post puts a sequence and its children into the mailbox.
func (e *Engine) post(ctx context.Context, q *sequence) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return ErrClosed
	}
	// The mailbox has room for as many as may be queued, so sending never blocks.
	all := append([]*sequence{q}, q.children...)
	before, ok := e.queue.enter(q.payer(), len(all))
	if !ok {
		return e.overloaded(before)
	}
	for _, x := range all {
		x.stream.queued(before) // until the loop looks at it
		x.ctxErr = func() error { return context.Cause(ctx) }
		x.detach = context.AfterFunc(ctx, func() { x.end(endCancel) })
	}
	e.mailbox <- q
	return nil
}

func (e *Engine) newSequence(req *Request) (*sequence, error) {
	if err := req.validate(e.cfg.Model.Config().Vocab, e.cfg.Context); err != nil {
		return nil, err
	}
	sampler, err := sample.New(req.Sampling)
	if err != nil {
		return nil, err
	}
	q := &sequence{eng: e, req: req, sampler: sampler, counted: true, submitted: time.Now()}
	q.Seq = sched.Seq{
		ID: e.ids.Add(1), Group: req.Group, User: req.User, Namespace: req.Namespace, Priority: req.Priority,
		LogitsFrom: len(req.Prompt) - 1, Data: q,
	}
	if q.User == "" {
		q.User = req.Namespace // who has a cache of their own has a turn of their own
	}
	room := q.limit(e.cfg.Context)
	if req.reads() {
		q.LogitsFrom, room = req.ScoreFrom, len(req.Prompt)
	}
	const reserve = 256 // tokens; longer answers grow by doubling
	q.Tokens = append(make([]int32, 0, min(room, len(req.Prompt)+reserve)), req.Prompt...)
	q.res = Result{PromptTokens: len(req.Prompt), Seed: sampler.Seed(), StopToken: -1}
	q.stream = &Stream{seq: q, ready: make(chan struct{}, 1), tokens: make([]Token, 0, min(room-len(req.Prompt), reserve))}
	return q, nil
}

func (e *Engine) wakeUp() {
	select {
	case e.wake <- struct{}{}:
	default: // the loop will look anyway
	}
}

// Close ends all sequences with ErrClosed, waits for the step that runs, and
// frees the cache. It is safe to call from any goroutine, more than once.
func (e *Engine) Close() error {
	e.mu.Lock()
	first := !e.closed
	e.closed = true
	e.mu.Unlock()
	if first {
		close(e.quit)
	}
	<-e.done
	return e.closeErr
}

// Stats are counters since the start, and gauges of now.
type Stats struct {
	Queued, Running int // requests that wait, and that run

	Steps         uint64
	PrefillTokens uint64 // prompt rows computed
	DecodeTokens  uint64 // rows computed for sequences that generate
	Generated     uint64 // tokens sampled
	Preemptions   uint64
	Finished      uint64 // requests ended, for any reason
	Canceled      uint64
	Failed        uint64
	Restarts      uint64        // of the bookkeeping after a bug: all that ran had failed
	StepTime      time.Duration // spent in all steps
	Forked        uint64        // answers that began on another's prompt, see SubmitN
	KeptPrefills  uint64        // prompts read on for nobody, see Request.KeepPrefill
	DiskTokens    uint64        // positions read from disk
	MeanTime      time.Duration // of the last requests, from when they ran to the end

	Cache kvcache.Stats
	Disk  diskcache.Stats // zero without one
}

// Stats returns the numbers as of the last step.
func (e *Engine) Stats() Stats {
	e.statsMu.Lock()
	s := e.stats
	e.statsMu.Unlock()
	s.Queued = e.queue.len()
	if e.cfg.Disk != nil {
		s.Disk = e.cfg.Disk.Stats()
	}
	return s
}

// An Observer is told what the engine does, for metrics. Its methods are called
// by the step loop and must return at once.
type Observer interface {
	// Step is called after every step.
	Step(StepInfo)
	// Finished is called when a request has ended.
	Finished(Result)
}

// StepInfo describes one step.
type StepInfo struct {
	Decode, Prefill int // rows
	Seqs            int
	Took            time.Duration
}

// dropCache forgets what is cached of a namespace; see Engine.DropCache.
type dropCache struct {
	namespace string
	n         chan int
}

// DropCache frees the cached blocks of a namespace that no running sequence
// uses, and returns how many there were.
func (e *Engine) DropCache(namespace string) int {
	d := dropCache{namespace, make(chan int, 1)}
	select {
	case e.loop.drops <- d:
		e.wakeUp()
	case <-e.done:
		return 0
	}
	select {
	case n := <-d.n:
		return n
	case <-e.done:
		return 0
	}
}
