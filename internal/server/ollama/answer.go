package ollama

import (
	"encoding/json"
	"iter"
	"strings"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/wire"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// timings end an answer: nanoseconds, and numbers of tokens.
type timings struct {
	DoneReason         string        `json:"done_reason,omitempty"`
	TotalDuration      time.Duration `json:"total_duration,omitempty"`
	LoadDuration       time.Duration `json:"load_duration,omitempty"`
	PromptEvalCount    int           `json:"prompt_eval_count,omitempty"`
	PromptCachedCount  int           `json:"prompt_cached_count,omitempty"` // ours: of those, not computed again
	PromptEvalDuration time.Duration `json:"prompt_eval_duration,omitempty"`
	EvalCount          int           `json:"eval_count,omitempty"`
	EvalDuration       time.Duration `json:"eval_duration,omitempty"`
}

// A piece is some of an answer.
type piece struct {
	text, thinking string
	calls          []toolCall
	logprobs       []wire.TokenLogprob
}

func (p *piece) empty() bool {
	return p.text == "" && p.thinking == "" && len(p.calls) == 0 && len(p.logprobs) == 0
}

// A running answer.
type running struct {
	ans    *llm.Answer
	parser chat.Parser // reads the answer's text if the model's format did not; nil otherwise
	start  time.Time
	load   time.Duration

	hold  bool // text waits for its log-probabilities
	held  piece
	call  *toolCall // being written
	args  strings.Builder
	calls int // written
}

// events are the answer's, read by the parser if there is one.
func (r *running) events() iter.Seq[chat.Event] {
	if r.parser == nil {
		return r.ans.Events()
	}
	return func(yield func(chat.Event) bool) {
		var last *chat.Done
		all := func(events []chat.Event) bool {
			for _, e := range events {
				if d, ok := e.(chat.Done); ok {
					last = &d
					return true
				}
				if !yield(e) {
					return false
				}
			}
			return true
		}
		for e := range r.ans.Events() {
			switch e := e.(type) {
			case chat.TextDelta:
				if last == nil && !all(r.parser.Push(e.Text)) {
					return
				}
				if last != nil {
					r.ans.Cancel() // a stop text
				}
				continue
			case chat.Done:
				if last == nil && !all(r.parser.Close(e.Reason == chat.FinishLength)) {
					return
				}
				if last != nil && e.Reason != chat.FinishError && e.Reason != chat.FinishLength {
					e = *last
				}
				yield(e)
				return
			}
			if !yield(e) {
				return
			}
		}
	}
}

// each gives the answer to f in pieces, and returns how it ended.
func (r *running) each(f func(p piece) error) (timings, error) {
	var usage chat.Usage
	for e := range r.events() {
		var err error
		switch e := e.(type) {
		case chat.TextDelta:
			err = r.say(piece{text: e.Text}, f)
		case chat.ThinkingDelta:
			err = r.say(piece{thinking: e.Text}, f)
		case chat.ToolCallDelta:
			err = r.delta(e, f)
		case chat.Logprobs:
			r.held.logprobs = wire.Logprobs(r.held.logprobs, e.Tokens)
			err = r.flush(f)
		case chat.Usage:
			usage = e
		case chat.Done:
			return r.end(e, usage, f)
		}
		if err != nil {
			return timings{}, err // leaving the loop cancels the answer
		}
	}
	return timings{}, apierr.New(apierr.Internal, "the answer was not finished")
}

// say passes a piece on, or keeps it until its log-probabilities come.
func (r *running) say(p piece, f func(p piece) error) error {
	if err := r.closeCall(f); err != nil {
		return err
	}
	if !r.hold {
		return f(p)
	}
	r.held.text += p.text
	r.held.thinking += p.thinking
	return nil
}

func (r *running) flush(f func(p piece) error) error {
	if r.held.empty() {
		return nil
	}
	p := r.held
	r.held = piece{}
	return f(p)
}

// delta collects a call: its arguments are an object here, so it is passed on
// whole.
func (r *running) delta(e chat.ToolCallDelta, f func(p piece) error) error {
	if r.call == nil || *r.call.Function.Index != e.Index {
		if err := r.closeCall(f); err != nil {
			return err
		}
		r.call = &toolCall{Function: functionCall{Index: &e.Index}}
	}
	r.call.ID += e.ID
	r.call.Function.Name += e.Name
	r.args.WriteString(e.Arguments)
	return nil
}

// closeCall passes on the call that is complete.
func (r *running) closeCall(f func(p piece) error) error {
	if r.call == nil {
		return nil
	}
	c, args := r.call, strings.TrimSpace(r.args.String())
	r.call = nil
	r.args.Reset()
	if args == "" {
		args = "{}"
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(args), &object); err != nil || object == nil {
		return apierr.New(apierr.Internal, "the model called %.100q with arguments that are no JSON object: %.200q", c.Function.Name, args)
	}
	c.Function.Arguments = json.RawMessage(args)
	r.calls++
	return f(piece{calls: []toolCall{*c}})
}

// end passes on what is left, and says how the answer ended.
func (r *running) end(d chat.Done, u chat.Usage, f func(p piece) error) (timings, error) {
	switch d.Reason {
	case chat.FinishError, chat.FinishCanceled:
		if d.Err != nil {
			return timings{}, d.Err
		}
		return timings{}, apierr.New(apierr.Internal, "the answer was not finished")
	default:
	}
	cut := d.Reason == chat.FinishLength
	if cut {
		r.call = nil // a call that was cut in the middle is none
	}
	if err := r.closeCall(f); err != nil {
		return timings{}, err
	}
	if err := r.flush(f); err != nil {
		return timings{}, err
	}
	res := r.ans.Result()
	t := timings{
		DoneReason: "stop", TotalDuration: time.Since(r.start), LoadDuration: r.load,
		PromptEvalCount: u.PromptTokens, PromptCachedCount: u.CachedTokens, PromptEvalDuration: max(res.First-res.Queued, 0),
		EvalCount: u.CompletionTokens, EvalDuration: res.Decode,
	}
	if cut {
		t.DoneReason = "length"
	}
	return t, nil
}

// gather joins all pieces.
func (r *running) gather() (piece, timings, error) {
	var text, thinking strings.Builder
	var all piece
	t, err := r.each(func(p piece) error {
		text.WriteString(p.text)
		thinking.WriteString(p.thinking)
		all.calls = append(all.calls, p.calls...)
		all.logprobs = append(all.logprobs, p.logprobs...)
		return nil
	})
	all.text, all.thinking = text.String(), thinking.String()
	return all, t, err
}
