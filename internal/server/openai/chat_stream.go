package openai

import (
	"net/http"
	"sync"

	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/server/sse"
	"github.com/holdfast-llm/holdfast/internal/server/wire"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// chunk is one event of a stream. The usage chunk has no choices.
type chunk struct {
	head
	Choices []chunkChoice `json:"choices"`
	Usage   *usage        `json:"usage,omitempty"`
}

// nullUsage is a chunk with "usage":null, which those before the last have when
// usage was asked for.
type nullUsage struct {
	head
	Choices []chunkChoice `json:"choices"`
	Usage   *usage        `json:"usage"`
}

type chunkChoice struct {
	Index        int       `json:"index"`
	Delta        delta     `json:"delta"`
	Logprobs     *logprobs `json:"logprobs"`
	FinishReason *string   `json:"finish_reason"`
}

type delta struct {
	Role      string          `json:"role,omitempty"`
	Content   *string         `json:"content,omitempty"`
	Reasoning string          `json:"reasoning_content,omitempty"`
	ToolCalls []wire.ToolCall `json:"tool_calls,omitempty"`
}

// A chatStreamer writes the chunks of all choices of one request.
type chatStreamer struct {
	s    *sse.Writer
	head head
	q    *asked

	mu    sync.Mutex
	usage usage
}

func (a *API) chatStream(r *http.Request, s *sse.Writer, body *chatRequest, q *asked) error {
	l, h, answers, err := a.begin(r, body, q)
	if err != nil {
		return err
	}
	defer l.Release()
	if err := begun(s, l); err != nil {
		return err
	}
	h.Object = "chat.completion.chunk"
	c := &chatStreamer{s: s, head: h, q: q}
	if err := c.run(answers); err != nil {
		return err
	}
	if q.include {
		u := c.usage
		if err := s.Event("", chunk{head: h, Choices: []chunkChoice{}, Usage: &u}); err != nil {
			return err
		}
	}
	return s.Text("[DONE]")
}

// run streams all choices; their chunks are mixed, each has its index.
func (c *chatStreamer) run(answers []*llm.Answer) error {
	if len(answers) == 1 {
		return c.one(0, answers[0])
	}
	errs := make([]error, len(answers))
	var wg sync.WaitGroup
	for i, ans := range answers {
		wg.Go(func() {
			if errs[i] = c.one(i, ans); errs[i] != nil {
				for _, other := range answers {
					other.Cancel()
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// one streams one choice.
func (c *chatStreamer) one(index int, ans *llm.Answer) error {
	t := turn{c: c, index: index, hold: c.q.opts.Logprobs > 0}
	for e := range ans.Events() {
		if err := t.event(e); err != nil {
			return err // leaving the loop cancels the answer
		}
		if d, ok := e.(chat.Done); ok {
			return t.end(d)
		}
	}
	return nil
}

// A turn is the stream of one choice.
type turn struct {
	c     *chatStreamer
	index int
	role  bool // was sent
	calls map[int]bool
	hold  bool        // deltas wait for their log-probabilities
	held  chunkChoice // what waits
	any   bool        // something does
}

func (t *turn) event(e chat.Event) error {
	d := delta{}
	switch e := e.(type) {
	case chat.TextDelta:
		d.Content = &e.Text
	case chat.ThinkingDelta:
		d.Reasoning = e.Text
	case chat.ToolCallDelta:
		d.ToolCalls = []wire.ToolCall{t.call(e)}
	case chat.Logprobs:
		if t.held.Logprobs == nil {
			t.held.Logprobs = &logprobs{}
		}
		t.held.Logprobs.add(e)
		t.any = true
		return t.flush()
	case chat.Usage:
		t.c.mu.Lock()
		t.c.usage.add(e)
		t.c.mu.Unlock()
		return nil
	default:
		return nil
	}
	if !t.hold {
		return t.send(chunkChoice{Delta: d})
	}
	return t.keep(d)
}

// keep holds a delta back until its log-probabilities come; deltas of different
// kinds are sent one after the other.
func (t *turn) keep(d delta) error {
	h := &t.held.Delta
	switch {
	case t.any && d.Content != nil && h.Content != nil:
		joined := *h.Content + *d.Content
		h.Content = &joined
		return nil
	case t.any:
		if err := t.flush(); err != nil {
			return err
		}
	}
	t.held.Delta, t.any = d, true
	return nil
}

func (t *turn) flush() error {
	if !t.any {
		return nil
	}
	c := t.held
	t.held, t.any = chunkChoice{}, false
	return t.send(c)
}

// call is a piece of a tool call: its id, type and name come with the first.
func (t *turn) call(e chat.ToolCallDelta) wire.ToolCall {
	out := wire.ToolCall{Index: &e.Index, Function: wire.FunctionCall{Arguments: e.Arguments}}
	if !t.calls[e.Index] {
		if t.calls == nil {
			t.calls = map[int]bool{}
		}
		t.calls[e.Index] = true
		out.ID, out.Type, out.Function.Name = e.ID, "function", e.Name
	}
	return out
}

// send writes a chunk; the first one of a choice has the role.
func (t *turn) send(c chunkChoice) error {
	if !t.role {
		t.role = true
		empty := ""
		first := chunkChoice{Index: t.index, Delta: delta{Role: "assistant", Content: &empty}}
		if err := t.write(first); err != nil {
			return err
		}
	}
	c.Index = t.index
	return t.write(c)
}

func (t *turn) write(c chunkChoice) error {
	if t.c.q.include {
		return t.c.s.Event("", nullUsage{head: t.c.head, Choices: []chunkChoice{c}})
	}
	return t.c.s.Event("", chunk{head: t.c.head, Choices: []chunkChoice{c}})
}

// end writes the last chunk, or returns the error that ended the answer.
func (t *turn) end(d chat.Done) error {
	if err := (&gathered{done: d}).err(); err != nil {
		return err
	}
	if err := t.flush(); err != nil {
		return err
	}
	reason := string(d.Reason)
	return t.send(chunkChoice{FinishReason: &reason})
}
