package deepseek

import (
	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/server/sse"
	"github.com/holdfast-llm/holdfast/internal/server/wire"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// chunk is one event of a stream. The usage is on the last one, together with
// the finish reason.
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

// delta is what is new. Content is null beside reasoning, and the other way
// round once there was any.
type delta struct {
	Role      string          `json:"role,omitempty"`
	Content   *string         `json:"content"`
	Reasoning *string         `json:"reasoning_content,omitempty"`
	ToolCalls []wire.ToolCall `json:"tool_calls,omitempty"`
}

// A streamer writes the chunks of one answer.
type streamer struct {
	s    *sse.Writer
	head head
	q    *asked

	began map[int]bool // calls
	some  bool         // something of the answer was sent
	usage *usage
	wait  bool  // deltas wait for their log-probabilities
	held  delta // what waits
	lp    *logprobs
	any   bool // something waits
}

func (a *API) stream(s *sse.Writer, h head, q *asked, ans *llm.Answer) error {
	t := &streamer{s: s, head: h, q: q, began: map[int]bool{}, wait: q.Logprobs}
	if err := s.Open(); err != nil { // the request was accepted: the client may know
		ans.Cancel()
		return err
	}
	for e := range ans.Events() {
		if d, ok := e.(chat.Done); ok {
			return t.end(d)
		}
		if err := t.event(e); err != nil {
			return err // leaving the loop cancels the answer
		}
	}
	return nil
}

func (t *streamer) event(e chat.Event) error {
	d := delta{}
	switch e := e.(type) {
	case chat.TextDelta:
		d.Content = &e.Text
	case chat.ThinkingDelta:
		d.Reasoning = &e.Text
	case chat.ToolCallDelta:
		d.ToolCalls = []wire.ToolCall{t.call(e)}
	case chat.Logprobs:
		if t.lp == nil {
			t.lp = &logprobs{}
		}
		t.lp.add(e)
		t.any = true
		return t.flush()
	case chat.Usage:
		t.usage = usageOf(e)
		return nil
	default:
		return nil
	}
	if err := t.first(); err != nil {
		return err
	}
	if !t.wait {
		return t.send(chunkChoice{Delta: d})
	}
	return t.keep(d)
}

// first writes the chunk with the role, once. It opens the reasoning without a
// text: clients show a block only when one comes.
func (t *streamer) first() error {
	if t.some {
		return nil
	}
	t.some = true
	d, empty := delta{Role: "assistant"}, ""
	if t.q.Thinking {
		d.Reasoning = &empty
	} else {
		d.Content = &empty
	}
	return t.send(chunkChoice{Delta: d})
}

// keep holds a delta back until its log-probabilities come.
func (t *streamer) keep(d delta) error {
	if t.any && d.Content != nil && t.held.Content != nil {
		joined := *t.held.Content + *d.Content
		t.held.Content = &joined
		return nil
	}
	if err := t.flush(); err != nil {
		return err
	}
	t.held, t.any = d, true
	return nil
}

func (t *streamer) flush() error {
	if !t.any {
		return nil
	}
	c := chunkChoice{Delta: t.held, Logprobs: t.lp}
	t.held, t.lp, t.any = delta{}, nil, false
	return t.send(c)
}

// call is a piece of a call: its id, type and name come with the first.
func (t *streamer) call(e chat.ToolCallDelta) wire.ToolCall {
	c := wire.ToolCall{Index: &e.Index, Function: wire.FunctionCall{Arguments: e.Arguments}}
	if !t.began[e.Index] {
		t.began[e.Index] = true
		c.ID, c.Type, c.Function.Name = e.ID, "function", e.Name
	}
	return c
}

func (t *streamer) send(c chunkChoice) error {
	if t.q.IncludeUsage {
		return t.s.Event("", nullUsage{head: t.head, Choices: []chunkChoice{c}})
	}
	return t.s.Event("", chunk{head: t.head, Choices: []chunkChoice{c}})
}

// end writes the last chunk, or returns the error that ended the answer.
func (t *streamer) end(d chat.Done) error {
	if err := failure(d, t.some); err != nil {
		return err
	}
	if err := t.first(); err != nil {
		return err
	}
	if err := t.flush(); err != nil {
		return err
	}
	reason, empty := reasonOf(d), ""
	c := chunkChoice{Delta: delta{Content: &empty}, FinishReason: &reason}
	if err := t.s.Event("", chunk{head: t.head, Choices: []chunkChoice{c}, Usage: t.usage}); err != nil {
		return err
	}
	return t.s.Text("[DONE]")
}
