package ollama

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/decode"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// common has the fields that chat and generate share.
type common struct {
	Model       string          `json:"model"`
	Stream      *bool           `json:"stream"` // default true
	Format      json.RawMessage `json:"format"` // "json" or a schema
	KeepAlive   json.RawMessage `json:"keep_alive"`
	Options     json.RawMessage `json:"options"`
	Think       json.RawMessage `json:"think"` // a switch or an effort
	Truncate    *bool           `json:"truncate"`
	Shift       *bool           `json:"shift"`
	Logprobs    *bool           `json:"logprobs"`
	TopLogprobs *int64          `json:"top_logprobs"`
}

// asked is a request in our own terms.
type asked struct {
	model  string
	stream bool
	req    chat.Request
	opts   llm.Options
	numCtx int // most tokens of prompt and answer; 0 is what the server gives
	keep   time.Duration
	kept   bool // keep was given
	// submit asks the model; it is chat's or generate's.
	submit func(ctx context.Context, l *library.Lease, q *asked) (*running, error)
	text   *generateRequest // of generate
}

// neutral checks the common fields and turns them into ours.
func (a *API) neutral(c *common) (*asked, error) {
	if c.Model == "" {
		return nil, apierr.Missing("model")
	}
	q := &asked{model: c.Model, stream: c.Stream == nil || *c.Stream}
	var err error
	if q.keep, q.kept, err = keepAlive(c.KeepAlive); err != nil {
		return nil, err
	}
	info, err := a.b.Info(c.Model)
	if err != nil {
		return nil, err
	}
	o, err := readOptions(info.Recipe.Parameters, c.Options)
	if err != nil {
		return nil, err
	}
	if err := o.neutral(q); err != nil {
		return nil, err
	}
	q.opts.NewID = a.o.NewCallID
	return q, decode.First(c.output(&q.req), c.think(&q.req), c.logprobs(&q.opts), c.cuts())
}

// output reads the format: a word or a schema.
func (c *common) output(r *chat.Request) error {
	if missing(c.Format) || string(c.Format) == `""` {
		return nil
	}
	if c.Format[0] == '{' {
		r.Output = chat.Output{Kind: chat.OutputSchema, Schema: c.Format, Strict: true}
		return nil
	}
	var word string
	if err := decode.Value(c.Format, &word, "format"); err != nil {
		return err
	}
	if word != "json" {
		return apierr.BadValue("format", word, `"json" or a JSON schema`)
	}
	r.Output = chat.Output{Kind: chat.OutputJSON}
	return nil
}

// think switches reasoning, or says how much of it.
func (c *common) think(r *chat.Request) error {
	if missing(c.Think) {
		return nil
	}
	on := true
	switch c.Think[0] {
	case '"':
		if err := decode.Value(c.Think, &r.Effort, "think"); err != nil {
			return err
		}
		if err := decode.OneOf("think", r.Effort, "low", "medium", "high", "max"); err != nil {
			return err
		}
	default:
		if err := decode.Value(c.Think, &on, "think"); err != nil {
			return err
		}
	}
	r.Thinking = &on
	return nil
}

func (c *common) logprobs(o *llm.Options) error {
	top := 0
	if err := decode.Int(&top, "top_logprobs", c.TopLogprobs, 0, 20); err != nil {
		return err
	}
	switch on := c.Logprobs != nil && *c.Logprobs; {
	case on:
		o.Logprobs = top + 1
	case top > 0:
		return apierr.At(apierr.InvalidValue, "top_logprobs", "'top_logprobs' needs 'logprobs' to be true")
	}
	return nil
}

// cuts refuses to cut prompts.
func (c *common) cuts() error {
	const why = "a prompt is never cut; one that is too long is an error with the numbers"
	if c.Truncate != nil && *c.Truncate {
		return apierr.Unsupported("truncate", why)
	}
	if c.Shift != nil && *c.Shift {
		return apierr.Unsupported("shift", why)
	}
	return nil
}

// begin loads the model and submits the request. The lease is the caller's.
func (a *API) begin(ctx context.Context, q *asked) (*library.Lease, *running, error) {
	start := time.Now()
	l, err := a.acquire(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	loaded := time.Since(start)
	run, err := q.submit(ctx, l, q)
	if err != nil {
		err = queued(err, l)
		l.Release()
		return nil, nil, err
	}
	run.start, run.load = start, loaded
	return l, run, nil
}

// acquire loads the model, with the keep-alive that was asked for.
func (a *API) acquire(ctx context.Context, q *asked) (*library.Lease, error) {
	l, err := a.b.Acquire(ctx, q.model)
	if err != nil {
		return nil, err
	}
	if q.kept {
		l.KeepAlive(q.keep)
	}
	if q.numCtx > l.Context() {
		err := apierr.At(apierr.InvalidValue, "options.num_ctx", "'options.num_ctx' is %d, but a request may have %d tokens here; leave it out, or start the server with --context %d", q.numCtx, l.Context(), q.numCtx)
		l.Release()
		return nil, err
	}
	return l, nil
}

// limit holds a request to num_ctx, which counts the prompt and the answer.
func (q *asked) limit(prompt int) error {
	if q.numCtx == 0 {
		return nil
	}
	left := q.numCtx - prompt
	if left < 1 {
		return &engine.ContextError{PromptTokens: prompt, Context: q.numCtx}
	}
	if q.opts.MaxTokens == 0 || q.opts.MaxTokens > left {
		q.opts.MaxTokens = left
	}
	return nil
}

// converse submits the conversation.
func converse(ctx context.Context, l *library.Lease, q *asked) (*running, error) {
	if q.numCtx > 0 {
		ids, err := l.Prompt(&q.req)
		if err == nil {
			err = q.limit(len(ids))
		}
		if err != nil {
			return nil, err
		}
	}
	if f := l.Model().Format(); q.req.Thinking != nil && *q.req.Thinking && (f == nil || !f.Info().Thinking) {
		return nil, apierr.At(apierr.UnsupportedValue, "think", "the model %q does not think", l.Name())
	}
	ans, err := l.Chat(ctx, &q.req, q.opts)
	return &running{ans: ans}, err
}

// queued puts the length of the queue into the error that it is full, and calls
// fields what they are called here.
func queued(err error, l *library.Lease) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	e := apierr.From(err)
	if e.Kind == apierr.Overloaded {
		e.Queue = l.Stats().Queued
	}
	if e.Param == "output" {
		e.Param = "format"
	}
	return e
}

// loadOnly loads or unloads a model: what an empty request asks for. The word is
// the reason that the answer ends with.
func (a *API) loadOnly(ctx context.Context, q *asked) (word string, took time.Duration, err error) {
	if q.kept && q.keep == 0 {
		_, err := a.b.Unload(q.model) // one in use goes when its keep-alive ends
		return "unload", 0, err
	}
	start := time.Now()
	l, err := a.acquire(ctx, q)
	if err != nil {
		return "", 0, err
	}
	l.Release()
	return "load", time.Since(start), nil
}
