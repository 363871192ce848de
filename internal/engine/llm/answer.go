package llm

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"iter"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// An Answer is one answer as it is made. It has one reader.
type Answer struct {
	m      *Model
	s      *engine.Stream
	prompt []int32
	parser chat.Parser
	opts   Options
	detok  *tokenizer.Stream

	tokens    []int32 // sampled so far
	thinking  bool    // the last text was reasoning
	reasoning int     // tokens of it
	logprobs  []chat.TokenLogprob
	done      *chat.Done // what the parser said at its end
	over      bool

	history   *[sha256.Size]byte // of the conversation, for the ledger; nil: not kept
	content   strings.Builder    // what the parser found, for the ledger
	thought   strings.Builder
	calls     []chat.ToolCall
	signature string

	caller  *Caller // who is told what it took; may be nil
	sibling bool    // another answer to the same prompt counts it
}

// Prompt returns the tokens of the prompt.
func (a *Answer) Prompt() []int32 { return a.prompt }

// Tokens returns the tokens sampled so far, as the reader has seen them.
func (a *Answer) Tokens() []int32 { return a.tokens }

// Result returns how the sequence ended; it is complete after Events has ended.
func (a *Answer) Result() engine.Result { return a.s.Result() }

// Status returns how far the prompt is read, and the place in the queue.
func (a *Answer) Status() engine.Status { return a.s.Status() }

// Signature returns what stands for the exact thinking of an answer that has
// any, from the first of it on; with it in Options.Signatures a later request
// finds the sampled tokens, if the answer came to its end. It is empty without
// thinking.
func (a *Answer) Signature() string { return a.signature }

// Cancel ends the answer at the next step.
func (a *Answer) Cancel() { a.s.Cancel() }

// Events yields the answer's events, ending with Usage and Done. It can be used
// once. Breaking out of the loop cancels the answer.
func (a *Answer) Events() iter.Seq[chat.Event] {
	return func(yield func(chat.Event) bool) {
		defer a.s.Cancel() // no effect once the sequence has ended
		if a.over {
			return
		}
		a.over = true
		defer a.report()
		var buf []engine.Token
		var st engine.Status
		progress := -1
		for {
			buf, st = a.s.Poll(buf[:0])
			if a.opts.Progress && st.PromptDone > progress {
				progress = st.PromptDone
				if !yield(chat.Progress{Done: st.PromptDone, Total: st.PromptTotal}) {
					return
				}
			}
			for _, t := range buf {
				if !a.push(t, yield) {
					return
				}
				if a.done != nil {
					a.s.Stop()
					a.finish(yield)
					return
				}
			}
			if st.Ended {
				a.finish(yield)
				return
			}
			<-a.s.Ready()
		}
	}
}

// push takes one token and yields what it completes.
func (a *Answer) push(t engine.Token, yield func(chat.Event) bool) bool {
	a.tokens = append(a.tokens, t.ID)
	if a.opts.Logprobs > 0 {
		a.logprobs = append(a.logprobs, a.logprob(t))
	}
	text := a.detok.Push(t.ID)
	ok, said := true, false
	before := a.parser.Reasoning()
	if text != "" {
		ok, said = a.yieldAll(a.parser.Push(text), yield)
	}
	if before || a.parser.Reasoning() { // with the tokens that open and end it
		a.reasoning++
	}
	if ok && said {
		ok = a.flushLogprobs(yield)
	}
	return ok
}

// yieldAll passes events on, but keeps Done back. said reports whether there
// was text among them.
func (a *Answer) yieldAll(events []chat.Event, yield func(chat.Event) bool) (ok, said bool) {
	for _, e := range events {
		switch e := e.(type) {
		case chat.Done:
			a.done = &e
			return true, said
		case chat.ThinkingDelta:
			a.thinking, said = true, true
			a.thought.WriteString(e.Text)
			if a.signature == "" {
				a.signature = randomID("sig_")
			}
		case chat.TextDelta:
			a.thinking, said = false, true
			a.content.WriteString(e.Text)
		case chat.ToolCallDelta:
			a.thinking, said = false, true
			if !yield(a.call(e)) {
				return false, said
			}
			continue
		}
		if !yield(e) {
			return false, said
		}
	}
	return true, said
}

// call notes a piece of a call, and names the call if neither the model nor the
// reader does.
func (a *Answer) call(e chat.ToolCallDelta) chat.ToolCallDelta {
	for len(a.calls) <= e.Index {
		a.calls = append(a.calls, chat.ToolCall{})
	}
	c := &a.calls[e.Index]
	if c.ID == "" && e.ID == "" && e.Name != "" && a.opts.NewID != nil {
		e.ID = a.opts.NewID(e.Index)
	}
	c.ID, c.Name, c.Arguments = c.ID+e.ID, c.Name+e.Name, c.Arguments+e.Arguments
	return e
}

// CallID returns a new id for a call; it is made for Options.NewID.
func CallID(index int) string { return randomID(fmt.Sprintf("call_%02d_", index)) }

// randomID returns an id that nobody can guess.
func randomID(prefix string) string { return prefix + rand.Text() }

// note gives a finished answer to the ledger. An answer that was cut, or ended by
// a stop text in the middle of a token, is none that a model would go on from.
func (a *Answer) note(res engine.Result) {
	if a.history == nil || res.Reason != engine.Stop || res.StopToken < 0 {
		return
	}
	t := &turn{
		History: *a.history, Prompt: a.prompt, Answer: a.tokens,
		Content: a.content.String(), Thought: a.thought.String(), Calls: a.calls, namespace: a.opts.Namespace,
	}
	for _, c := range a.calls {
		if c.ID != "" {
			t.IDs = append(t.IDs, c.ID)
		}
	}
	if a.signature != "" {
		t.IDs = append(t.IDs, a.signature)
	}
	a.m.ledger.add(t)
}

// finish yields what is held back, the usage, and Done.
func (a *Answer) finish(yield func(chat.Event) bool) {
	// The sequence has ended, or will with the step that runs: it was stopped.
	res, _ := a.s.Wait(context.Background())
	if a.done == nil {
		// A character that was cut off is no text; it might be a part of a tag.
		if rest := a.detok.Flush(); rest != "" && res.Reason != engine.Length {
			if ok, _ := a.yieldAll(a.parser.Push(rest), yield); !ok {
				return
			}
		}
	}
	if a.done == nil {
		if ok, _ := a.yieldAll(a.parser.Close(res.Reason == engine.Length), yield); !ok {
			return
		}
	}
	if !a.flushLogprobs(yield) {
		return
	}
	a.note(res)
	usage := chat.Usage{PromptTokens: len(a.prompt), CachedTokens: res.CachedTokens, CompletionTokens: len(a.tokens), ReasoningTokens: a.reasoning}
	if yield(usage) {
		yield(a.lastEvent(res))
	}
}

// lastEvent is the Done of an answer: what the parser says, unless the engine
// ended it for a reason of its own.
func (a *Answer) lastEvent(res engine.Result) chat.Done {
	d := chat.Done{Reason: chat.FinishStop}
	if a.done != nil {
		d = *a.done
	}
	if m, ok := a.opts.Mask.(interface{ Err() error }); ok && m.Err() != nil {
		return chat.Done{Reason: chat.FinishError, Err: fmt.Errorf("llm: %w", m.Err())}
	}
	switch res.Reason {
	case engine.Failed:
		return chat.Done{Reason: chat.FinishError, Err: res.Err}
	case engine.Canceled:
		if d.Stop == "" {
			return chat.Done{Reason: chat.FinishCanceled, Err: res.Err}
		}
	case engine.Length:
		if d.Stop == "" && d.Reason == chat.FinishStop {
			d.Reason = chat.FinishLength
		}
	default:
	}
	return d
}

func (a *Answer) logprob(t engine.Token) chat.TokenLogprob {
	l := chat.TokenLogprob{ID: t.ID, Bytes: a.m.tok.Bytes(t.ID), Logprob: t.Logprob}
	for _, x := range t.Top {
		l.Top = append(l.Top, chat.TokenLogprob{ID: x.ID, Bytes: a.m.tok.Bytes(x.ID), Logprob: x.Logprob})
	}
	return l
}

// flushLogprobs yields the log-probabilities of the tokens so far.
func (a *Answer) flushLogprobs(yield func(chat.Event) bool) bool {
	if len(a.logprobs) == 0 {
		return true
	}
	e := chat.Logprobs{Reasoning: a.thinking, Tokens: a.logprobs}
	a.logprobs = nil
	return yield(e)
}
