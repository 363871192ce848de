package deepseek

import (
	"strings"

	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/server/sse"
	"github.com/holdfast-llm/holdfast/internal/server/wire"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// textAnswer is the answer, and each chunk of a stream.
type textAnswer struct {
	head
	Choices []textChoice `json:"choices"`
	Usage   *usage       `json:"usage,omitempty"`
}

type textChoice struct {
	Text         string             `json:"text"`
	Index        int                `json:"index"`
	Logprobs     *wire.TextLogprobs `json:"logprobs"`
	FinishReason *string            `json:"finish_reason"`
}

// A textStreamer writes one completion, whole or in pieces.
type textStreamer struct {
	s    *sse.Writer
	head head
	q    *fim

	usage *usage
	some  bool
}

// prefix is what an answer begins with.
func (t *textStreamer) prefix() string {
	if t.q.Echo {
		return t.q.prompt
	}
	return ""
}

func (t *textStreamer) whole(ans *llm.Answer) error {
	var text strings.Builder
	text.WriteString(t.prefix())
	var lp *wire.TextLogprobs
	if t.q.opts.Logprobs > 0 {
		lp = &wire.TextLogprobs{}
	}
	var done chat.Done
	for e := range ans.Events() {
		switch e := e.(type) {
		case chat.TextDelta:
			t.some = true
			text.WriteString(e.Text)
		case chat.Logprobs:
			lp.Add(e.Tokens)
		case chat.Usage:
			t.usage = usageOf(e)
		case chat.Done:
			done = e
		}
	}
	if err := failure(done, t.some); err != nil {
		return err
	}
	reason := reasonOf(done)
	c := textChoice{Text: text.String(), Logprobs: lp, FinishReason: &reason}
	return t.s.Event("", textAnswer{head: t.head, Choices: []textChoice{c}, Usage: t.usage})
}

func (t *textStreamer) send(c textChoice) error {
	t.some = true
	return t.s.Event("", textAnswer{head: t.head, Choices: []textChoice{c}})
}

func (t *textStreamer) stream(ans *llm.Answer) error {
	if err := t.s.Open(); err != nil {
		ans.Cancel()
		return err
	}
	if p := t.prefix(); p != "" {
		if err := t.send(textChoice{Text: p}); err != nil {
			ans.Cancel()
			return err
		}
	}
	held, offset := "", 0
	for e := range ans.Events() {
		var err error
		switch e := e.(type) {
		case chat.TextDelta:
			if t.q.opts.Logprobs > 0 {
				held += e.Text // goes with its log-probabilities
				continue
			}
			err = t.send(textChoice{Text: e.Text})
		case chat.Logprobs:
			lp := &wire.TextLogprobs{Offset: offset}
			lp.Add(e.Tokens)
			offset = lp.Offset
			err = t.send(textChoice{Text: held, Logprobs: lp})
			held = ""
		case chat.Usage:
			t.usage = usageOf(e)
		case chat.Done:
			return t.end(e, held)
		}
		if err != nil {
			return err // leaving the loop cancels the answer
		}
	}
	return nil
}

// end writes the last chunk, which has the usage.
func (t *textStreamer) end(d chat.Done, held string) error {
	if err := failure(d, t.some); err != nil {
		return err
	}
	reason := reasonOf(d)
	c := textChoice{Text: held, FinishReason: &reason}
	if err := t.s.Event("", textAnswer{head: t.head, Choices: []textChoice{c}, Usage: t.usage}); err != nil {
		return err
	}
	return t.s.Text("[DONE]")
}
