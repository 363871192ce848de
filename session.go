package holdfast

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// A Session is one conversation with a model. It answers one question at a
// time; its other methods may be called while it does, and see the history as
// it was before the question.
type Session struct {
	model *Model
	busy  atomic.Bool // an answer is being made

	mu       sync.Mutex
	set      settings
	messages []Message // without the system prompt
}

// NewSession begins a conversation.
func (m *Model) NewSession(opts ...SessionOption) (*Session, error) {
	if m.closed.Load() {
		return nil, ErrClosed
	}
	s := &Session{model: m, set: settings{sampling: DefaultSampling()}}
	if err := s.Configure(opts...); err != nil {
		return nil, err
	}
	return s, nil
}

// Model returns the session's model.
func (s *Session) Model() *Model { return s.model }

// Configure changes options from the next question on. If one of them is bad,
// none is changed.
func (s *Session) Configure(opts ...SessionOption) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	set := s.set
	for _, o := range opts {
		if err := o(&set); err != nil {
			return err
		}
	}
	s.set = set
	return nil
}

// Sampling returns the sampling options in use.
func (s *Session) Sampling() Sampling {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.set.sampling
}

// Chat asks a question and yields the answer as it is made. The question and
// the answer go to the history when the answer ends. An answer that is cut
// short (by breaking out of the loop, cancelling, or closing) stays there as
// far as it came; one that never began leaves the history as it was.
//
// An error ends the stream; the event beside it is empty but for Done, which
// is set when the answer had begun.
func (s *Session) Chat(ctx context.Context, text string) iter.Seq2[Event, error] {
	return s.Send(ctx, Message{Role: User, Content: text})
}

// Send is Chat for any messages, such as the results of tools. Without messages
// it answers the history as it stands.
func (s *Session) Send(ctx context.Context, messages ...Message) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		s.exclusive(yield, func(set settings, history []Message) {
			s.answer(ctx, set, history, messages, yield)
		})
	}
}

// Regenerate answers the last question again, in place of the answer that it
// has. If the new answer does not begin, the old one stays.
func (s *Session) Regenerate(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		s.exclusive(yield, func(set settings, history []Message) {
			n := len(history)
			for n > 0 && history[n-1].Role == Assistant {
				n--
			}
			if n == 0 {
				yield(Event{}, ErrNothingToRegenerate)
				return
			}
			s.answer(ctx, set, history[:n], nil, yield)
		})
	}
}

// Complete continues a text, without template and history.
func (s *Session) Complete(ctx context.Context, prompt string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		s.exclusive(yield, func(set settings, _ []Message) {
			a, err := s.model.llm.Complete(ctx, prompt, set.special, set.stop, set.options())
			if err != nil {
				yield(Event{}, publicErr(err))
				return
			}
			deliver(a, yield, func(chat.Event) {})
		})
	}
}

// CompleteTokens continues tokens as they are; nothing is put before them.
func (s *Session) CompleteTokens(ctx context.Context, ids []int32) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		s.exclusive(yield, func(set settings, _ []Message) {
			a, err := s.model.llm.CompleteTokens(ctx, slices.Clone(ids), set.stop, set.options())
			if err != nil {
				yield(Event{}, publicErr(err))
				return
			}
			deliver(a, yield, func(chat.Event) {})
		})
	}
}

// exclusive runs f unless the session is answering already.
func (s *Session) exclusive(yield func(Event, error) bool, f func(settings, []Message)) {
	if !s.busy.CompareAndSwap(false, true) {
		yield(Event{}, ErrBusy)
		return
	}
	defer s.busy.Store(false)
	s.mu.Lock()
	set, history := s.set, slices.Clone(s.messages)
	s.mu.Unlock()
	f(set, history)
}

// answer asks history and the new messages, and commits both with the answer.
func (s *Session) answer(ctx context.Context, set settings, history, messages []Message, yield func(Event, error) bool) {
	turns := append(slices.Clip(history), messages...)
	r := set.request(turns)
	o, err := s.chatOptions(&set, r)
	if err != nil {
		yield(Event{}, publicErr(err))
		return
	}
	a, err := s.model.llm.Chat(ctx, r, o)
	if err != nil {
		yield(Event{}, publicErr(err))
		return
	}
	var c collector
	defer func() { // also when the reader breaks out, or panics
		if reply, ok := c.message(); ok {
			s.commit(turns, reply)
		}
	}()
	deliver(a, yield, c.add)
}

// commit makes turns and reply the history. A reply to an open assistant turn
// continues it.
func (s *Session) commit(turns []Message, reply Message) {
	if n := len(turns); n > 0 && turns[n-1].Role == Assistant && turns[n-1].Prefix {
		open := turns[n-1]
		reply.Content, reply.Reasoning = open.Content+reply.Content, open.Reasoning+reply.Reasoning
		turns = turns[:n-1]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(slices.Clip(turns), reply)
}

// deliver passes an answer's events on, and shows each to see first.
func deliver(a *llm.Answer, yield func(Event, error) bool, see func(chat.Event)) {
	var usage chat.Usage
	for e := range a.Events() {
		see(e)
		switch e := e.(type) {
		case chat.Usage:
			usage = e
		case chat.Done:
			yield(Event{Done: done(e, usage, a.Result())}, publicErr(e.Err))
			return
		default:
			if ev, ok := event(e); ok && !yield(ev, nil) {
				return
			}
		}
	}
}

// collector puts the message together that an answer's events amount to.
type collector struct {
	text, thinking strings.Builder
	calls          []ToolCall
	ended          bool // by the model, or a limit
}

func (c *collector) add(e chat.Event) {
	switch e := e.(type) {
	case chat.TextDelta:
		c.text.WriteString(e.Text)
	case chat.ThinkingDelta:
		c.thinking.WriteString(e.Text)
	case chat.ToolCallDelta:
		for len(c.calls) <= e.Index {
			c.calls = append(c.calls, ToolCall{})
		}
		t := &c.calls[e.Index]
		t.ID, t.Name, t.Arguments = t.ID+e.ID, t.Name+e.Name, t.Arguments+e.Arguments
	case chat.Done:
		c.ended = e.Err == nil
	}
}

// message returns the assistant's turn; ok is false if there is none to speak of.
func (c *collector) message() (Message, bool) {
	m := Message{Role: Assistant, Content: c.text.String(), Reasoning: c.thinking.String(), ToolCalls: c.calls}
	return m, c.ended || m.Content != "" || m.Reasoning != "" || len(m.ToolCalls) > 0
}

// request turns settings and history into what the model is asked.
func (set *settings) request(turns []Message) *chat.Request {
	if set.system != "" {
		turns = slices.Insert(slices.Clone(turns), 0, Message{Role: System, Content: set.system})
	}
	return &chat.Request{
		Messages: toChat(turns), Tools: toChatTools(set.tools), ToolChoice: set.choice, ParallelCalls: set.parallel, Output: set.output,
		Thinking: set.thinking, Effort: set.effort, Stop: set.stop,
	}
}

func (set *settings) options() llm.Options {
	return llm.Options{
		Sampling: set.sampling.options(), MaxTokens: set.maxTokens, Logprobs: set.logprobs, Progress: set.progress,
		User: set.user, Priority: set.priority, NewID: llm.CallID,
	}
}
