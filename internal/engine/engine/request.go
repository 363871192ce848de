package engine

import (
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/sample"
)

// A Request asks for the continuation of a prompt, or for what the model makes of
// the prompt: logits or states.
type Request struct {
	Prompt []int32
	// MaxTokens bounds the answer; 0 leaves it to the context.
	MaxTokens int
	Sampling  sample.Options
	// Stop holds token ids that end the answer; they are not part of it.
	Stop []int32
	// Mask, if not nil, limits what may be sampled. Its methods are called by
	// the step loop; Accept is called with every token of the answer.
	Mask Mask
	// Logprobs asks for the log-probability of every token, and that of so many
	// of the likeliest alternatives: 0 is none at all, 1 only the token's own,
	// n+1 the token's and n alternatives.
	Logprobs int

	// Score, if not nil, turns the request into one for logits: nothing is
	// sampled, and Score is called by the step loop with the logits of every
	// position from ScoreFrom on, in order. The slice is only valid in the call.
	Score     func(pos int, logits []float32)
	ScoreFrom int
	// Hidden is like Score, for the final states of the positions from ScoreFrom
	// on, as model.BatchSeq.Hidden says. It takes the place of Score.
	Hidden func(pos int, state []float32)

	// KeepPrefill lets the prompt be read to its end even if who asked goes away
	// meanwhile, with what the machine has to spare: a second attempt finds it in
	// the cache. The stream ends at once all the same.
	KeepPrefill bool

	// User is who has a turn: users share the steps fairly by the rows that they
	// cost, and none may fill the queue alone. Empty means Namespace. Group is who
	// users belong to, such as a key: turns go around among groups first.
	Group, User string
	Namespace   string // whose prefix cache is shared
	// Priority goes first, always: those of a lower one run on what is left.
	Priority int
}

// reads reports whether the request is for the prompt alone.
func (r *Request) reads() bool { return r.Score != nil || r.Hidden != nil }

// A Mask limits an answer to what a grammar allows.
type Mask interface {
	sample.Mask
	// Accept moves on by a token that was taken.
	Accept(id int32)
}

func (r *Request) validate(vocab, context int) error {
	n := len(r.Prompt)
	if n == 0 {
		return errors.New("engine: the prompt is empty")
	}
	if !r.reads() && n >= context || n > context {
		return &ContextError{PromptTokens: n, Context: context}
	}
	for i, id := range r.Prompt {
		if id < 0 || int(id) >= vocab {
			return fmt.Errorf("engine: token %d of the prompt is %d, but ids go from 0 to %d", i, id, vocab-1)
		}
	}
	if r.MaxTokens < 0 || r.Logprobs < 0 {
		return fmt.Errorf("engine: max tokens %d and logprobs %d must be 0 or more", r.MaxTokens, r.Logprobs)
	}
	if r.Score != nil && r.Hidden != nil {
		return errors.New("engine: logits and states in one request")
	}
	if r.reads() && (r.ScoreFrom < 0 || r.ScoreFrom >= n) {
		return fmt.Errorf("engine: scoring from position %d of a prompt of %d tokens", r.ScoreFrom, n)
	}
	return nil
}

// A Token is one sampled token.
type Token struct {
	ID      int32
	Logprob float32          // if asked for
	Top     []sample.Logprob // the likeliest alternatives, if asked for
}

// Reason says why a sequence ended.
type Reason uint8

// The reasons.
const (
	Stop     Reason = iota + 1 // a stop token, or the reader had enough
	Length                     // MaxTokens or the context's end
	Scored                     // all that Score or Hidden asked for is delivered
	Canceled                   // the context was cancelled
	Failed                     // Result.Err says why
)

var reasonNames = [...]string{"", "stop", "length", "scored", "canceled", "failed"}

// String returns the reason's name.
func (r Reason) String() string { return reasonNames[r] }

// A Result says how a sequence ended and what it took.
type Result struct {
	Reason       Reason
	Err          error // for Failed and Canceled
	StopToken    int32 // the stop token that ended it, or -1
	PromptTokens int
	CachedTokens int // of the prompt, not computed again
	DiskTokens   int // of those, read from disk for this request
	Tokens       int // sampled and published
	Seed         uint64
	Preemptions  int

	Queued time.Duration // from Submit until it ran
	First  time.Duration // from Submit until the first token
	Total  time.Duration // from Submit until the end
	Decode time.Duration // from the first token until the end
}
