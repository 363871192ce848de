package ollama

import (
	"net/http"

	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/decode"
	"github.com/holdfast-llm/holdfast/internal/server/sse"
	"github.com/holdfast-llm/holdfast/internal/server/wire"
)

// chatRequest is the body of /api/chat.
type chatRequest struct {
	common
	Messages []message `json:"messages"`
	Tools    []tool    `json:"tools"`
}

// chatAnswer is the answer, or a line of it.
type chatAnswer struct {
	Model     string              `json:"model"`
	CreatedAt string              `json:"created_at"`
	Message   message             `json:"message"`
	Logprobs  []wire.TokenLogprob `json:"logprobs,omitempty"`
	Done      bool                `json:"done"`
	timings
}

// chat answers /api/chat.
func (a *API) chat(w http.ResponseWriter, r *http.Request) error {
	var body chatRequest
	if err := decode.Body(r, &body, decode.Fields{}); err != nil {
		return err
	}
	q, err := a.neutral(&body.common)
	if err != nil {
		return err
	}
	q.submit = converse
	if q.req.Messages, err = toMessages(body.Messages); err != nil {
		return err
	}
	if q.req.Tools, err = toTools(body.Tools); err != nil {
		return err
	}
	idle := func() any { return a.chatLine(q, piece{}) }
	return a.streaming(w, q.stream, idle, func(s *sse.Writer) error {
		if len(body.Messages) == 0 {
			return a.chatEmpty(r, s, q)
		}
		return a.chatAnswer(r, s, q)
	})
}

func (a *API) chatLine(q *asked, p piece) chatAnswer {
	return chatAnswer{
		Model: q.model, CreatedAt: stamp(a.o.Now()), Logprobs: p.logprobs,
		Message: message{Role: "assistant", Content: p.text, Thinking: p.thinking, ToolCalls: p.calls},
	}
}

// chatEmpty loads or unloads the model.
func (a *API) chatEmpty(r *http.Request, s *sse.Writer, q *asked) error {
	word, took, err := a.loadOnly(r.Context(), q)
	if err != nil {
		return err
	}
	line := a.chatLine(q, piece{})
	line.Done, line.timings = true, timings{DoneReason: word, TotalDuration: took, LoadDuration: took}
	return s.Event("", line)
}

func (a *API) chatAnswer(r *http.Request, s *sse.Writer, q *asked) error {
	l, run, err := a.begin(r.Context(), q)
	if err != nil {
		return err
	}
	defer l.Release()
	s.Header(func(h http.Header) { server.Announce(h, l) })
	if !q.stream {
		p, t, err := run.gather()
		if err != nil {
			return err
		}
		line := a.chatLine(q, p)
		line.Done, line.timings = true, t
		return s.Event("", line)
	}
	run.hold = q.opts.Logprobs > 0
	t, err := run.each(func(p piece) error { return s.Event("", a.chatLine(q, p)) })
	if err != nil {
		return err
	}
	last := a.chatLine(q, piece{})
	last.Done, last.timings = true, t
	return s.Event("", last)
}
