package llm

import (
	"context"
	"iter"

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
}

// Prompt returns the tokens of the prompt.
func (a *Answer) Prompt() []int32 { return a.prompt }

// Tokens returns the tokens sampled so far, as the reader has seen them.
func (a *Answer) Tokens() []int32 { return a.tokens }

// Result returns how the sequence ended; it is complete after Events has ended.
func (a *Answer) Result() engine.Result { return a.s.Result() }

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
	if text != "" {
		ok, said = a.yieldAll(a.parser.Push(text), yield)
	}
	if a.thinking {
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
		case chat.TextDelta, chat.ToolCallDelta:
			a.thinking, said = false, true
		}
		if !yield(e) {
			return false, said
		}
	}
	return true, said
}

// finish yields what is held back, the usage, and Done.
func (a *Answer) finish(yield func(chat.Event) bool) {
	// The sequence has ended, or will with the step that runs: it was stopped.
	res, _ := a.s.Wait(context.Background())
	if a.done == nil {
		if rest := a.detok.Flush(); rest != "" {
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
