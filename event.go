package holdfast

import (
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// An Event is one step of an answer. Exactly one of its fields is set.
type Event struct {
	Text     string         // more of the answer
	Thinking string         // more of the reasoning before it
	ToolCall *ToolCallDelta // more of a tool call
	Progress *Progress      // the prompt is being read
	Logprobs []TokenLogprob // of the tokens whose text has arrived
	Done     *Done          // the answer is complete
}

// A ToolCallDelta is a new call, or more of its arguments. ID and Name are set
// on a call's first delta only.
type ToolCallDelta struct {
	Index     int // which call of this answer, from 0
	ID, Name  string
	Arguments string // the next piece
}

// Progress says how much of the prompt is read.
type Progress struct{ Done, Total int } // tokens

// A TokenLogprob is a sampled token and its likeliest alternatives.
type TokenLogprob struct {
	ID      int32
	Text    string  // its bytes, which may be less than a character
	Logprob float64 // natural logarithm
	Top     []TokenLogprob
}

// FinishReason says why an answer ended.
type FinishReason string

// The reasons for the end of an answer.
const (
	FinishStop      FinishReason = "stop"       // the model ended its turn, or a stop text came
	FinishLength    FinishReason = "length"     // the limit on tokens, or the context's end
	FinishToolCalls FinishReason = "tool_calls" // the model called tools
	FinishCanceled  FinishReason = "canceled"   // the context was cancelled
	FinishError     FinishReason = "error"
)

// Done ends an answer.
type Done struct {
	Reason  FinishReason
	Stop    string // the stop text that ended it, if one did
	Usage   Usage
	Timings Timings
	Seed    uint64 // gives the same answer again, with the same prompt and options
}

// Usage counts the tokens of an answer.
type Usage struct {
	PromptTokens     int // the whole prompt, history included
	CachedTokens     int // the part of it that was not computed again
	CompletionTokens int // the answer, reasoning included
	ReasoningTokens  int
}

// Timings say how long an answer took.
type Timings struct {
	Queued time.Duration // before its computation began
	Prompt time.Duration // reading what was not cached of the prompt
	Answer time.Duration // from the first token to the last
	Total  time.Duration
}

// PromptRate returns the prompt tokens computed per second.
func (d *Done) PromptRate() float64 {
	return rate(d.Usage.PromptTokens-d.Usage.CachedTokens, d.Timings.Prompt)
}

// AnswerRate returns the tokens generated per second, after the first.
func (d *Done) AnswerRate() float64 {
	return rate(d.Usage.CompletionTokens-1, d.Timings.Answer)
}

func rate(n int, d time.Duration) float64 {
	if n <= 0 || d <= 0 {
		return 0
	}
	return float64(n) / d.Seconds()
}

// event converts everything but Usage and Done; ok is false for those.
func event(e chat.Event) (ev Event, ok bool) {
	switch e := e.(type) {
	case chat.TextDelta:
		return Event{Text: e.Text}, true
	case chat.ThinkingDelta:
		return Event{Thinking: e.Text}, true
	case chat.ToolCallDelta:
		return Event{ToolCall: &ToolCallDelta{Index: e.Index, ID: e.ID, Name: e.Name, Arguments: e.Arguments}}, true
	case chat.Progress:
		return Event{Progress: &Progress{Done: e.Done, Total: e.Total}}, true
	case chat.Logprobs:
		return Event{Logprobs: logprobs(e.Tokens)}, true
	}
	return Event{}, false
}

func logprobs(tokens []chat.TokenLogprob) []TokenLogprob {
	if len(tokens) == 0 {
		return nil
	}
	out := make([]TokenLogprob, len(tokens))
	for i, t := range tokens {
		out[i] = TokenLogprob{ID: t.ID, Text: string(t.Bytes), Logprob: float64(t.Logprob), Top: logprobs(t.Top)}
	}
	return out
}

// done puts the end of an answer together.
func done(d chat.Done, u chat.Usage, r engine.Result) *Done {
	t := Timings{Queued: r.Queued, Answer: r.Decode, Total: r.Total}
	if r.First > 0 {
		t.Prompt = r.First - r.Queued
	}
	return &Done{Reason: FinishReason(d.Reason), Stop: d.Stop, Usage: Usage(u), Timings: t, Seed: r.Seed}
}
