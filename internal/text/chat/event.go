package chat

// Event is one step of an answer: ThinkingDelta, TextDelta, ToolCallDelta,
// Logprobs, Progress, Usage or Done. Done is the last one.
type Event interface{ event() }

// ThinkingDelta is more reasoning text.
type ThinkingDelta struct{ Text string }

// TextDelta is more content.
type TextDelta struct{ Text string }

// ToolCallDelta is a new call or more of its arguments. ID and Name are set on
// a call's first delta only. ID may be empty: who sends calls to a client
// numbers those that the model left unnamed.
type ToolCallDelta struct {
	Index     int // which call of this answer, from 0
	ID        string
	Name      string
	Arguments string // the next piece of the argument text
}

// Logprobs carries the log-probabilities of tokens whose text is in the deltas
// around it. The engine sends it when they were asked for.
type Logprobs struct {
	Reasoning bool // the tokens are reasoning, not content
	Tokens    []TokenLogprob
}

// TokenLogprob is one sampled token with its likeliest alternatives.
type TokenLogprob struct {
	ID      int32
	Bytes   []byte
	Logprob float32 // natural logarithm
	Top     []TokenLogprob
}

// Progress reports how much of the prompt has been read.
type Progress struct{ Done, Total int } // tokens

// Usage counts the tokens of a request.
type Usage struct {
	PromptTokens     int // all of the prompt
	CachedTokens     int // the part of it that was not computed again
	CompletionTokens int // everything sampled, reasoning included
	ReasoningTokens  int // the part of it that was reasoning
}

// Done ends an answer.
type Done struct {
	Reason FinishReason
	Stop   string // the stop text that ended it, if one did
	Err    error  // for FinishError
}

func (ThinkingDelta) event() {}
func (TextDelta) event()     {}
func (ToolCallDelta) event() {}
func (Logprobs) event()      {}
func (Progress) event()      {}
func (Usage) event()         {}
func (Done) event()          {}

// FinishReason says why an answer ended.
type FinishReason string

// The reasons for the end of an answer.
const (
	FinishStop      FinishReason = "stop"       // the model ended its turn, or a stop text
	FinishLength    FinishReason = "length"     // the limit on tokens or the context's end
	FinishToolCalls FinishReason = "tool_calls" // the model called tools
	FinishFilter    FinishReason = "content_filter"
	FinishError     FinishReason = "error"    // the engine failed
	FinishCanceled  FinishReason = "canceled" // who asked went away
)
