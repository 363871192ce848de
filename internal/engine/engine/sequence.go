package engine

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/sample"
	"github.com/holdfast-llm/holdfast/internal/engine/sched"
)

// How a sequence is asked to end, from outside the loop.
const (
	endNot int32 = iota
	endStop
	endCancel
)

// A sequence is a request in the engine. After Submit only the step loop
// touches it, but for asked.
type sequence struct {
	sched.Seq
	eng     *Engine
	req     *Request
	sampler *sample.Sampler
	stream  *Stream
	asked   atomic.Int32
	detach  func() bool  // stops watching the request's context
	ctxErr  func() error // why the request's context ended
	counted bool         // in Engine.queue

	children         []*sequence // of SubmitN: they fork when the prompt is read
	ghost            bool        // nobody reads the answer: only the prompt is computed
	diskFrom, diskTo int         // positions read from disk for it

	submitted, started, first time.Time
	res                       Result
}

// end asks the loop to end the sequence; the first to ask decides how.
func (q *sequence) end(how int32) {
	if q.asked.CompareAndSwap(endNot, how) {
		q.eng.wakeUp()
	}
}

// payer is whose share of the queue it takes.
func (q *sequence) payer() string {
	if q.Group != "" {
		return "group " + q.Group
	}
	return q.User
}

// limit returns how many tokens the sequence may have in all.
func (q *sequence) limit(context int) int {
	if q.req.MaxTokens > 0 {
		return min(context, len(q.req.Prompt)+q.req.MaxTokens)
	}
	return context
}

// commitToken takes a sampled token. It reports the reason if the sequence ends
// with it, 0 otherwise.
func (q *sequence) commitToken(t Token, context int) Reason {
	if slices.Contains(q.req.Stop, t.ID) {
		q.res.StopToken = t.ID
		return Stop
	}
	q.Tokens = append(q.Tokens, t.ID)
	q.LogitsFrom = len(q.Tokens) - 1
	q.res.Tokens++
	if q.req.Mask != nil {
		q.req.Mask.Accept(t.ID)
	}
	q.stream.publish(t)
	if len(q.Tokens) >= q.limit(context) {
		return Length
	}
	return 0
}
