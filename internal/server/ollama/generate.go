package ollama

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/decode"
	"github.com/holdfast-llm/holdfast/internal/server/sse"
	"github.com/holdfast-llm/holdfast/internal/server/wire"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// generateRequest is the body of /api/generate.
type generateRequest struct {
	common
	Prompt   string          `json:"prompt"`
	Suffix   string          `json:"suffix"`
	System   string          `json:"system"`
	Template string          `json:"template"`
	Context  json.RawMessage `json:"context"` // tokens of an earlier answer
	Raw      bool            `json:"raw"`
	Images   json.RawMessage `json:"images"`

	before []int32 // Context
}

// generateAnswer is the answer, or a line of it.
type generateAnswer struct {
	Model     string              `json:"model"`
	CreatedAt string              `json:"created_at"`
	Response  string              `json:"response"`
	Thinking  string              `json:"thinking,omitempty"`
	Logprobs  []wire.TokenLogprob `json:"logprobs,omitempty"`
	Done      bool                `json:"done"`
	Context   []int32             `json:"context,omitempty"`
	timings
}

// generate answers /api/generate.
func (a *API) generate(w http.ResponseWriter, r *http.Request) error {
	var body generateRequest
	if err := decode.Body(r, &body, decode.Fields{}); err != nil {
		return err
	}
	if err := decode.Tokens(&body.before, "context", body.Context); err != nil {
		return err
	}
	if err := body.combinations(); err != nil {
		return err
	}
	q, err := a.neutral(&body.common)
	if err != nil {
		return err
	}
	q.text, q.submit = &body, complete
	idle := func() any { return a.generateLine(q, piece{}) }
	return a.streaming(w, q.stream, idle, func(s *sse.Writer) error {
		if body.Prompt == "" && body.Suffix == "" && len(body.before) == 0 {
			return a.generateEmpty(r, s, q)
		}
		return a.generateAnswer(r, s, q)
	})
}

// combinations refuses what cannot be had together.
func (g *generateRequest) combinations() error {
	plain := "raw"
	if g.Suffix != "" {
		plain = "suffix"
	}
	switch direct := g.Raw || g.Suffix != ""; {
	case direct && (g.System != "" || g.Template != ""):
		return apierr.At(apierr.InvalidValue, plain, "'%s' leaves the chat format out, so there is no place for 'system' and 'template'", plain)
	case direct && !missing(g.Format) && string(g.Format) != `""`:
		return apierr.At(apierr.UnsupportedValue, "format", "'format' together with '%s' is not supported", plain)
	case g.Suffix != "" && len(g.before) > 0:
		return apierr.At(apierr.UnsupportedValue, "context", "'context' together with 'suffix' is not supported")
	}
	return noImages(g.Images, "images")
}

// complete submits the text: as it is, between two others, or as a conversation
// of one question, where the model has a format for those.
func complete(ctx context.Context, l *library.Lease, q *asked) (*running, error) {
	g := q.text
	if g.Template != "" {
		if err := l.UseTemplate(g.Template); err != nil {
			return nil, manageError(err)
		}
	}
	for _, id := range g.before {
		if id < 0 || int(id) >= l.Tokenizer().Size() {
			return nil, apierr.At(apierr.InvalidValue, "context", "'context' has the token %d, but the model has the tokens 0 to %d", id, l.Tokenizer().Size()-1)
		}
	}
	m := l.Model()
	switch {
	case g.Suffix != "":
		ids, err := wire.Infill(l.Tokenizer(), l.Name(), g.Prompt, g.Suffix)
		if err != nil {
			return nil, err
		}
		return q.tokens(ctx, l, ids)
	case g.Raw:
		return q.tokens(ctx, l, after(g.before, m.Encode(tokenizer.Span{Text: g.Prompt, Template: true}), l))
	case m.Format() == nil && g.System != "":
		return nil, apierr.At(apierr.UnsupportedField, "system", "the model %q has no chat format, so there is no place for 'system'", l.Name())
	case m.Format() == nil:
		return q.tokens(ctx, l, after(g.before, m.Encode(tokenizer.Span{Text: g.Prompt}), l))
	}
	if g.System != "" {
		q.req.Messages = append(q.req.Messages, chat.Message{Role: chat.System, Content: chat.Text(g.System)})
	}
	q.req.Messages = append(q.req.Messages, chat.Message{Role: chat.User, Content: chat.Text(g.Prompt)})
	if len(g.before) == 0 {
		return converse(ctx, l, q)
	}
	return q.goOn(ctx, l)
}

// tokens submits tokens as they are.
func (q *asked) tokens(ctx context.Context, l *library.Lease, ids []int32) (*running, error) {
	if len(ids) == 0 {
		return nil, apierr.At(apierr.InvalidValue, "prompt", "'prompt' is empty, and the model has no token to begin a text with")
	}
	if err := q.limit(len(ids)); err != nil {
		return nil, err
	}
	ans, err := l.Model().CompleteTokens(ctx, ids, q.req.Stop, q.opts)
	return &running{ans: ans}, err
}

// goOn submits a question after the tokens of an earlier exchange.
func (q *asked) goOn(ctx context.Context, l *library.Lease) (*running, error) {
	c, err := l.Continue(&q.req, q.opts)
	if err != nil {
		return nil, err
	}
	ids := after(q.text.before, c.Tokens, l)
	if err := q.limit(len(ids)); err != nil {
		return nil, err
	}
	c.Options.MaxTokens = q.opts.MaxTokens
	ans, err := l.Model().CompleteTokens(ctx, ids, nil, c.Options)
	return &running{ans: ans, parser: c.Parser}, err
}

// after appends tokens to those of an earlier exchange, without a second
// beginning of the text.
func after(before, ids []int32, l *library.Lease) []int32 {
	if len(before) == 0 {
		return ids
	}
	if bos, ok := l.Tokenizer().BOS(); ok && l.Tokenizer().AddBOS() && len(ids) > 0 && ids[0] == bos {
		ids = ids[1:]
	}
	return append(append(make([]int32, 0, len(before)+len(ids)), before...), ids...)
}

func (a *API) generateLine(q *asked, p piece) generateAnswer {
	return generateAnswer{Model: q.model, CreatedAt: stamp(a.o.Now()), Response: p.text, Thinking: p.thinking, Logprobs: p.logprobs}
}

// generateEmpty loads or unloads the model.
func (a *API) generateEmpty(r *http.Request, s *sse.Writer, q *asked) error {
	word, took, err := a.loadOnly(r.Context(), q)
	if err != nil {
		return err
	}
	line := a.generateLine(q, piece{})
	line.Done, line.timings = true, timings{DoneReason: word, TotalDuration: took, LoadDuration: took}
	return s.Event("", line)
}

func (a *API) generateAnswer(r *http.Request, s *sse.Writer, q *asked) error {
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
		return s.Event("", a.generateEnd(q, run, p, t))
	}
	run.hold = q.opts.Logprobs > 0
	t, err := run.each(func(p piece) error { return s.Event("", a.generateLine(q, p)) })
	if err != nil {
		return err
	}
	return s.Event("", a.generateEnd(q, run, piece{}, t))
}

// generateEnd is the last line. Its context lets a later request go on from here.
func (a *API) generateEnd(q *asked, run *running, p piece, t timings) generateAnswer {
	line := a.generateLine(q, p)
	line.Done, line.timings = true, t
	if q.text.Suffix == "" && !q.text.Raw {
		line.Context = append(append([]int32{}, run.ans.Prompt()...), run.ans.Tokens()...)
	}
	return line
}
