package openai

import (
	"slices"
	"strings"
	"sync"

	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/sse"
	"github.com/holdfast-llm/holdfast/internal/server/wire"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// An emitter numbers the events of a stream and writes them. A nil emitter
// writes nothing: the answer is only put together.
type emitter struct {
	s *sse.Writer

	// mu is held while an event is numbered and written. It comes before the
	// writer's own lock; a heartbeat, which runs under that one, only tries it.
	mu      sync.Mutex
	n       int
	current *responseObject // once the stream has begun
}

type event map[string]any

func (e *emitter) emit(name string, fields event) error {
	if e == nil {
		return nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	fields["type"], fields["sequence_number"] = name, e.n
	e.n++
	return e.s.Event(name, fields)
}

// begin gives heartbeats the response as it is now.
func (e *emitter) begin(out *responseObject) {
	snapshot := *out
	e.mu.Lock()
	defer e.mu.Unlock()
	e.current = &snapshot
}

// beat is the heartbeat: a comment before the stream has begun, then an event.
func (e *emitter) beat(buf []byte, begun bool) []byte {
	if !e.mu.TryLock() {
		return buf // an event is on its way
	}
	defer e.mu.Unlock()
	if !begun || e.current == nil {
		return append(buf, ": keep-alive\n\n"...)
	}
	e.n++
	return sse.AppendEvent(buf, "response.in_progress", event{
		"type": "response.in_progress", "sequence_number": e.n - 1, "response": e.current,
	})
}

// A builder turns chat.Events into items, and into the stream's events.
type builder struct {
	a   *API
	e   *emitter
	q   *responsesAsked
	out *responseObject

	item  *outputItem // open
	part  *outputPart // of item
	text  strings.Builder
	index int    // of the call that is open
	held  string // text that waits for its log-probabilities
}

func (a *API) newBuilder(q *responsesAsked, e *emitter) *builder {
	return &builder{a: a, e: e, q: q, out: a.newResponse(q), index: -1}
}

// read builds the response from an answer.
func (b *builder) read(ans *llm.Answer) error {
	if b.e != nil {
		b.e.begin(b.out)
	}
	if err := b.e.emit("response.created", event{"response": b.out}); err != nil {
		ans.Cancel()
		return err
	}
	if err := b.e.emit("response.in_progress", event{"response": b.out}); err != nil {
		ans.Cancel()
		return err
	}
	for ev := range ans.Events() {
		var err error
		switch ev := ev.(type) {
		case chat.ThinkingDelta:
			if err = b.flush(); err == nil {
				err = b.delta("reasoning", "reasoning_text", ev.Text, nil)
			}
		case chat.TextDelta:
			if b.q.opts.Logprobs > 0 {
				b.held += ev.Text
				continue
			}
			err = b.delta("message", "output_text", ev.Text, nil)
		case chat.ToolCallDelta:
			if err = b.flush(); err == nil {
				err = b.call(ev)
			}
		case chat.Logprobs:
			if b.held != "" && !ev.Reasoning {
				text := b.held
				b.held = ""
				err = b.delta("message", "output_text", text, wire.Logprobs(nil, ev.Tokens))
			}
		case chat.Usage:
			b.out.Usage = &responsesUsage{
				InputTokens: ev.PromptTokens, InputDetails: inputDetails{CachedTokens: ev.CachedTokens},
				OutputTokens: ev.CompletionTokens, OutputDetails: completionDetails{ev.ReasoningTokens},
				TotalTokens: ev.PromptTokens + ev.CompletionTokens,
			}
		case chat.Done:
			return b.done(ev)
		}
		if err != nil {
			return err // leaving the loop cancels the answer
		}
	}
	return nil
}

// delta adds text to an item of a type, opening it first if need be.
func (b *builder) delta(item, part, text string, lp []wire.TokenLogprob) error {
	if b.item == nil || b.item.Type != item {
		if err := b.close("completed"); err != nil {
			return err
		}
		if err := b.open(&outputItem{ID: prefixOf[item] + b.a.o.NewID(), Type: item, Status: "in_progress"}); err != nil {
			return err
		}
		b.part = &outputPart{Type: part}
		if err := b.e.emit("response.content_part.added", b.at(event{"content_index": 0, "part": b.part})); err != nil {
			return err
		}
		b.item.Content = []*outputPart{b.part}
	}
	b.text.WriteString(text)
	f := b.at(event{"content_index": 0, "delta": text})
	if part == "output_text" {
		b.part.Logprobs = append(b.part.Logprobs, lp...)
		f["logprobs"] = append([]wire.TokenLogprob{}, lp...)
	}
	return b.e.emit("response."+part+".delta", f)
}

var prefixOf = map[string]string{"message": "msg_", "reasoning": "rs_", "function_call": "fc_"}

// call adds to a call, which is an item of its own.
func (b *builder) call(d chat.ToolCallDelta) error {
	if b.item == nil || b.item.Type != "function_call" || b.index != d.Index {
		if err := b.close("completed"); err != nil {
			return err
		}
		b.index = d.Index
		item := &outputItem{ID: "fc_" + b.a.o.NewID(), Type: "function_call", Status: "in_progress", CallID: d.ID, Name: d.Name}
		if err := b.open(item); err != nil {
			return err
		}
	}
	if d.Arguments == "" {
		return nil
	}
	b.text.WriteString(d.Arguments)
	return b.e.emit("response.function_call_arguments.delta", b.at(event{"delta": d.Arguments}))
}

// at adds which item an event is about.
func (b *builder) at(f event) event {
	f["item_id"], f["output_index"] = b.item.ID, len(b.out.Output)-1
	return f
}

func (b *builder) open(i *outputItem) error {
	b.item, b.part = i, nil
	b.out.Output = append(b.out.Output, i)
	return b.e.emit("response.output_item.added", event{"output_index": len(b.out.Output) - 1, "item": i})
}

// flush sends text whose log-probabilities did not come.
func (b *builder) flush() error {
	text := b.held
	if b.held = ""; text == "" {
		return nil
	}
	return b.delta("message", "output_text", text, nil)
}

// close ends the open item.
func (b *builder) close(status string) error {
	if b.item == nil {
		return nil
	}
	text := b.text.String()
	b.text.Reset()
	i := b.item
	var err error
	switch i.Type {
	case "function_call":
		i.Arguments = text
		err = b.e.emit("response.function_call_arguments.done", b.at(event{"arguments": text, "name": i.Name}))
	default:
		b.part.Text = text
		f := b.at(event{"content_index": 0, "text": text})
		if b.part.Type == "output_text" {
			f["logprobs"] = append([]wire.TokenLogprob{}, b.part.Logprobs...)
		}
		if err = b.e.emit("response."+b.part.Type+".done", f); err == nil {
			err = b.e.emit("response.content_part.done", b.at(event{"content_index": 0, "part": b.part}))
		}
	}
	if err != nil {
		return err
	}
	i.Status = status
	if i.Type == "reasoning" && slices.Contains(b.q.body.Include, includeEncrypted) {
		i.Encrypted = seal(text)
	}
	index := len(b.out.Output) - 1
	b.item, b.part = nil, nil
	return b.e.emit("response.output_item.done", event{"output_index": index, "item": i})
}

// done ends the response. An error ends a stream with response.failed, and is
// returned for an answer that is not one.
func (b *builder) done(d chat.Done) error {
	failed := (&gathered{done: d}).err()
	status, name := "completed", "response.completed"
	switch {
	case failed != nil:
		e := apierr.From(failed)
		status, name = "failed", "response.failed"
		b.out.Error = &responseError{Code: "server_error", Message: e.Message}
	case d.Reason == chat.FinishLength:
		status, name = "incomplete", "response.incomplete"
		b.out.IncompleteDetails = &incomplete{Reason: "max_output_tokens"}
	case d.Reason == chat.FinishFilter:
		status, name = "incomplete", "response.incomplete"
		b.out.IncompleteDetails = &incomplete{Reason: "content_filter"}
	}
	itemStatus := "completed"
	if status != "completed" {
		itemStatus = "incomplete"
	}
	if err := b.flush(); err != nil {
		return err
	}
	if err := b.close(itemStatus); err != nil {
		return err
	}
	b.out.Status = status
	if status == "completed" {
		now := b.a.o.Now().Unix()
		b.out.CompletedAt = &now
	}
	if failed == nil {
		if err := b.a.keep(b.q, b.out); err != nil {
			return err
		}
	}
	if err := b.e.emit(name, event{"response": b.out}); err != nil {
		return err
	}
	return failed
}
