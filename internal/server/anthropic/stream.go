package anthropic

import (
	"net/http"

	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/sse"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// The events of a stream. Their order is: message_start; for each block
// content_block_start, content_block_delta as often as need be, and
// content_block_stop; message_delta; message_stop. A ping may come anywhere, and
// an error instead of the rest.
type messageStart struct {
	Type    string `json:"type"`
	Message answer `json:"message"`
}

type blockStart struct {
	Type  string `json:"type"`
	Index int    `json:"index"`
	Block any    `json:"content_block"`
}

type blockDelta struct {
	Type  string `json:"type"`
	Index int    `json:"index"`
	Delta delta  `json:"delta"`
}

// delta has one of the four texts, by its type. An empty piece of a call's input
// is sent; it begins one.
type delta struct {
	Type      string  `json:"type"`
	Text      string  `json:"text,omitempty"`
	Thinking  string  `json:"thinking,omitempty"`
	Input     *string `json:"partial_json,omitempty"`
	Signature string  `json:"signature,omitempty"`
}

type blockStop struct {
	Type  string `json:"type"`
	Index int    `json:"index"`
}

type messageDelta struct {
	Type  string `json:"type"`
	Delta struct {
		StopReason   *string `json:"stop_reason"`
		StopSequence *string `json:"stop_sequence"`
	} `json:"delta"`
	Usage usage `json:"usage"`
}

type messageStop struct {
	Type string `json:"type"`
}

// A streamer writes an answer as it is made.
type streamer struct {
	*reply
	s     *sse.Writer
	index int    // of the block that is open, or will be next
	block *block // nil: none is open
}

// stream answers with a stream. It begins when the request is accepted: the
// first token may be far.
func (a *API) stream(r *http.Request, s *sse.Writer, model string, q *asked) error {
	p, err := a.begin(r, model, q)
	if err != nil {
		return err
	}
	defer p.lease.Release()
	defer p.ans.Cancel() // of no effect at the end
	s.Header(func(h http.Header) { server.Announce(h, p.lease) })
	if err := s.Event("message_start", messageStart{"message_start", p.head}); err != nil {
		return err
	}
	if err := s.Event("ping", ping{"ping"}); err != nil {
		return err
	}
	t := &streamer{reply: p, s: s}
	var u chat.Usage
	for e := range p.ans.Events() {
		switch e := e.(type) {
		case chat.Usage:
			u = e
		case chat.Done:
			return t.end(e, u)
		default:
			if err := t.event(e); err != nil {
				return err // leaving the loop cancels the answer
			}
		}
	}
	return nil
}

// event sends what an event adds to the content.
func (t *streamer) event(e chat.Event) error {
	k, text, ok := piece(e)
	if !ok || t.q.warm {
		return nil
	}
	if !t.block.takes(e) {
		if err := t.close(); err != nil {
			return err
		}
		t.block = open(e)
		if err := t.s.Event("content_block_start", blockStart{"content_block_start", t.index, t.block.wire("")}); err != nil {
			return err
		}
	}
	switch k {
	case kindCall:
		return t.delta(delta{Type: "input_json_delta", Input: &text})
	case kindThinking:
		if t.q.hide {
			return nil
		}
		return t.delta(delta{Type: "thinking_delta", Thinking: text})
	default:
		return t.delta(delta{Type: "text_delta", Text: text})
	}
}

func (t *streamer) delta(d delta) error {
	return t.s.Event("content_block_delta", blockDelta{"content_block_delta", t.index, d})
}

// close ends the block that is open; thinking is signed at its end.
func (t *streamer) close() error {
	if t.block == nil {
		return nil
	}
	if t.block.kind == kindThinking {
		if err := t.delta(delta{Type: "signature_delta", Signature: t.signature()}); err != nil {
			return err
		}
	}
	t.block = nil
	t.index++
	return t.s.Event("content_block_stop", blockStop{"content_block_stop", t.index - 1})
}

// end sends the last events, or returns the error that ended the answer.
func (t *streamer) end(d chat.Done, u chat.Usage) error {
	if err := t.finished(d, u); err != nil {
		return err
	}
	if err := t.close(); err != nil {
		return err
	}
	m := messageDelta{Type: "message_delta", Usage: t.head.Usage}
	m.Delta.StopReason, m.Delta.StopSequence, m.Usage.ServiceTier = t.head.StopReason, t.head.StopSequence, ""
	if err := t.s.Event("message_delta", m); err != nil {
		return err
	}
	return t.s.Event("message_stop", messageStop{"message_stop"})
}
