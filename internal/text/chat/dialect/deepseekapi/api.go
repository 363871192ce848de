package deepseekapi

import (
	"fmt"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// Version is the generation of models that a request is for.
type Version uint8

// The generations.
const (
	V4 Version = iota
	V41
)

// MaxTokens is the largest number of tokens that a request may ask for.
const MaxTokens = 393216

// Options are what a server knows besides the body.
type Options struct {
	Version Version
	// NoThinking switches reasoning off where a request does not say.
	NoThinking bool
}

// Request is a request that was understood.
type Request struct {
	Model string // as sent; empty if it was not
	Chat  chat.Request

	// Temperature and TopP are what the model is sampled with: reasoning has
	// values of its own.
	Temperature, TopP float64
	// MaxTokens is the asked-for number of tokens, 0 if none was; see
	// ResolveMaxTokens.
	MaxTokens    int
	Seed         *int64
	Logprobs     bool
	TopLogprobs  *int // 0 to 20
	Stream       bool
	IncludeUsage bool // the stream ends with the usage

	Thinking bool
	// Effort is low, high, xhigh or max while thinking, and empty otherwise.
	Effort string
	// Tools says that calls are looked for in the answer.
	Tools bool
	// JSON says that the content is searched for JSON.
	JSON bool
	// Constraint is what a grammar would hold the answer to: json, regex,
	// tool_call, tool_call_required or nothing.
	Constraint string
	// Regex is the expression for the constraint regex.
	Regex string
}

// Error is an error of DeepSeek's API.
type Error struct {
	Status  int
	Message string
	Type    string
	Param   *string
	Code    string
}

// Error returns the message.
func (e *Error) Error() string { return fmt.Sprintf("%d: %s", e.Status, e.Message) }

// Body returns the JSON object that is sent to the client.
func (e *Error) Body() map[string]any {
	return map[string]any{"error": map[string]any{"message": e.Message, "type": e.Type, "param": e.Param, "code": e.Code}}
}

// invalid is an error about what a well-formed body says.
func invalid(format string, args ...any) *Error {
	return &Error{400, fmt.Sprintf(format, args...), "invalid_request_error", nil, "invalid_request_error"}
}

// malformed is an error about a body that is not of the API's shape.
func malformed(format string, args ...any) *Error {
	return &Error{422, "Failed to deserialize the JSON body into the target type: " + fmt.Sprintf(format, args...), "invalid_request_error", nil, "invalid_request_error"}
}

// ResolveMaxTokens returns how many tokens an answer may have after a prompt of
// prompt tokens in a context of context tokens.
func (r *Request) ResolveMaxTokens(prompt, context int) (int, *Error) {
	want := r.MaxTokens
	if want == 0 && prompt > context || prompt+want > context {
		return 0, tooLong(prompt, want, context)
	}
	switch {
	case want > 0:
	case !r.Thinking:
		want = 8192
	case r.Effort == "max":
		want = 131072
	default:
		want = 65536
	}
	return max(1, min(want, context-prompt)), nil
}
