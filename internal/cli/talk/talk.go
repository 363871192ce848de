// Package talk is a conversation as its user sees it: questions, and commands
// that begin with a slash. It draws nothing; the terminal chat (package tui)
// and the plain line mode show the same conversation in their own ways.
package talk

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"

	"github.com/holdfast-llm/holdfast"
)

// Events is an answer as it is made.
type Events = iter.Seq2[holdfast.Event, error]

// A Session is what a conversation needs of a *holdfast.Session.
type Session interface {
	Chat(ctx context.Context, text string) Events
	Regenerate(ctx context.Context) Events
	Configure(opts ...holdfast.SessionOption) error
	Sampling() holdfast.Sampling
	System() string
	History() []holdfast.Message
	Clear() error
	Save(w io.Writer) error
	Load(r io.Reader) error
	ContextUsed() (int, error)
}

var _ Session = (*holdfast.Session)(nil)

// A Talk is a conversation with the settings that its commands change.
type Talk struct {
	Session Session
	Model   string // the model's name, for people
	Context int    // tokens
	Keys    string // help on the keys of the screen that shows it
	Notice  string // what is said once, after the first answer

	Think     *bool // nil leaves it to the model
	MaxTokens int   // 0 is the rest of the context
	Stop      []string

	last *holdfast.Done // of the last answer
}

// A Reply is what a line of input leads to. At most one of Answer and Quit is
// set.
type Reply struct {
	Text    string                           // to show; may be empty
	Err     error                            // to show instead
	Answer  func(ctx context.Context) Events // an answer to stream
	Cleared bool                             // the conversation is empty now
	Quit    bool
}

// Enter takes what the user typed: a command or a question. Empty input leads
// to nothing.
func (t *Talk) Enter(input string) Reply {
	text := strings.TrimSpace(input)
	switch {
	case text == "":
		return Reply{}
	case strings.HasPrefix(text, "//"):
		text = text[1:] // a question that begins with a slash
	case strings.HasPrefix(text, "/"):
		return t.command(text)
	}
	return Reply{Answer: func(ctx context.Context) Events { return t.Session.Chat(ctx, text) }}
}

// Finished records the end of an answer, for /stats. It returns the notice if
// this was the first answer.
func (t *Talk) Finished(d *holdfast.Done) (notice string) {
	if d != nil {
		t.last = d
	}
	notice, t.Notice = t.Notice, ""
	return notice
}

// Last returns the end of the last answer, nil before the first.
func (t *Talk) Last() *holdfast.Done { return t.last }

// Explain turns an error of an answer into words with advice.
func (t *Talk) Explain(err error) string {
	var ce *holdfast.ContextError
	switch {
	case errors.As(err, &ce):
		return "The conversation has " + count(ce.PromptTokens, "token") + " with this question, but the context holds " + count(ce.Context, "token") +
			". Nothing was cut. /clear begins anew; restart with a larger --context to go on."
	case errors.Is(err, holdfast.ErrNoTemplate):
		return "This model has no chat template: it continues text but does not answer. Use `holdfast run --raw`, or give it a template with --template FILE."
	}
	return strings.TrimPrefix(err.Error(), "holdfast: ")
}
