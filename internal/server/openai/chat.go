package openai

import (
	"encoding/json"
	"net/http"

	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/decode"
	"github.com/holdfast-llm/holdfast/internal/server/sse"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// chatRequest is the body of /v1/chat/completions.
type chatRequest struct {
	sampling
	Model               string                     `json:"model"`
	Messages            []message                  `json:"messages"`
	Tools               []tool                     `json:"tools"`
	ToolChoice          json.RawMessage            `json:"tool_choice"`
	ParallelToolCalls   *bool                      `json:"parallel_tool_calls"`
	ResponseFormat      *responseFormat            `json:"response_format"`
	Logprobs            *bool                      `json:"logprobs"`
	TopLogprobs         *int64                     `json:"top_logprobs"`
	MaxCompletionTokens *int64                     `json:"max_completion_tokens"`
	Stream              bool                       `json:"stream"`
	StreamOptions       *streamOptions             `json:"stream_options"`
	ReasoningEffort     string                     `json:"reasoning_effort"`
	Modalities          []string                   `json:"modalities"`
	Verbosity           string                     `json:"verbosity"`
	Thinking            *thinking                  `json:"thinking"`
	TemplateVariables   map[string]json.RawMessage `json:"chat_template_kwargs"`
}

type thinking struct {
	Type string `json:"type"`
}

type responseFormat struct {
	Type       string      `json:"type"`
	JSONSchema *jsonSchema `json:"json_schema"`
}

type jsonSchema struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Schema      json.RawMessage `json:"schema"`
	Strict      *bool           `json:"strict"`
}

// harmless are documented fields that change nothing about an answer.
var harmless = []string{"metadata", "store", "service_tier", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options"}

var chatFields = decode.Fields{
	Ignored: harmless,
	Refused: map[string]string{
		"functions":          "use 'tools'",
		"function_call":      "use 'tool_choice'",
		"audio":              "the models here write text only",
		"prediction":         "predicted outputs are not implemented",
		"web_search_options": "there is no web search",
		"moderation":         "there is no moderation",
	},
}

// asked is a chat request in our own terms.
type asked struct {
	req     *chat.Request
	opts    llm.Options
	n       int
	include bool   // usage in the stream
	thinkAt string // the field that switches reasoning, if one does
}

// neutral checks the request and turns it into ours.
func (c *chatRequest) neutral() (*asked, error) {
	if c.Model == "" {
		return nil, apierr.Missing("model")
	}
	a := &asked{req: &chat.Request{ParallelCalls: c.ParallelToolCalls, Variables: c.TemplateVariables}}
	var err error
	if a.req.Messages, err = toMessages(c.Messages); err != nil {
		return nil, err
	}
	if a.req.Tools, err = toTools(c.Tools); err != nil {
		return nil, err
	}
	if err = choose(a.req, c.ToolChoice); err != nil {
		return nil, err
	}
	if a.req.Output, err = c.ResponseFormat.output(); err != nil {
		return nil, err
	}
	if a.req.Stop, err = c.stops(); err != nil {
		return nil, err
	}
	if a.opts, a.n, err = c.options(); err != nil {
		return nil, err
	}
	return a, decode.First(
		decode.Int(&a.opts.MaxTokens, "max_completion_tokens", c.MaxCompletionTokens, 1, 1<<31-1),
		c.logprobs(&a.opts), c.think(a), c.streaming(a), verbosity("verbosity", c.Verbosity),
	)
}

// logprobs are asked for by a switch, and how many by a number.
func (c *chatRequest) logprobs(o *llm.Options) error {
	top := 0
	if err := decode.Int(&top, "top_logprobs", c.TopLogprobs, 0, 20); err != nil {
		return err
	}
	on := c.Logprobs != nil && *c.Logprobs
	if top > 0 && !on {
		return apierr.At(apierr.InvalidValue, "top_logprobs", "'top_logprobs' needs 'logprobs' to be true")
	}
	if on {
		o.Logprobs = top + 1
	}
	return nil
}

// think switches reasoning by its effort, or by DeepSeek's word.
func (c *chatRequest) think(a *asked) error {
	if err := decode.OneOf("reasoning_effort", c.ReasoningEffort, "none", "minimal", "low", "medium", "high", "xhigh", "max"); err != nil {
		return err
	}
	a.setEffort("reasoning_effort", c.ReasoningEffort)
	if c.Thinking == nil {
		return nil
	}
	on := c.Thinking.Type != "disabled"
	a.req.Thinking, a.thinkAt = &on, "thinking.type"
	return decode.OneOf("thinking.type", c.Thinking.Type, "enabled", "disabled", "adaptive")
}

// setEffort turns OpenAI's words into ours.
func (q *asked) setEffort(at, effort string) {
	on := effort != "none"
	switch effort {
	case "":
		return
	case "none":
		effort = ""
	case "minimal":
		effort = "low"
	case "xhigh":
		effort = "max"
	}
	q.req.Thinking, q.req.Effort, q.thinkAt = &on, effort, at
}

func (c *chatRequest) streaming(a *asked) error {
	if c.StreamOptions != nil {
		if !c.Stream {
			return apierr.At(apierr.InvalidValue, "stream_options", "'stream_options' needs 'stream' to be true")
		}
		a.include = c.StreamOptions.IncludeUsage
	}
	for _, m := range c.Modalities {
		if m != "text" {
			return apierr.BadValue("modalities", m, `"text"`)
		}
	}
	return nil
}

func (f *responseFormat) output() (chat.Output, error) {
	if f == nil {
		return chat.Output{}, nil
	}
	switch f.Type {
	case "text":
		return chat.Output{}, nil
	case "json_object":
		return chat.Output{Kind: chat.OutputJSON}, nil
	case "json_schema":
		if f.JSONSchema == nil {
			return chat.Output{}, apierr.Missing("response_format.json_schema")
		}
		return f.JSONSchema.output("response_format.json_schema")
	case "":
		return chat.Output{}, apierr.Missing("response_format.type")
	}
	return chat.Output{}, apierr.BadValue("response_format.type", f.Type, `one of "text", "json_object", "json_schema"`)
}

func (s *jsonSchema) output(at string) (chat.Output, error) {
	switch {
	case absent(s.Schema):
		return chat.Output{}, apierr.Missing(at + ".schema")
	case s.Schema[0] != '{':
		return chat.Output{}, apierr.At(apierr.InvalidValue, at+".schema", "'%s.schema' must be an object", at)
	}
	return chat.Output{Kind: chat.OutputSchema, Name: s.Name, Schema: s.Schema, Strict: s.Strict != nil && *s.Strict}, nil
}

// chat answers /v1/chat/completions.
func (a *API) chat(w http.ResponseWriter, r *http.Request) error {
	if h := a.delegated(r, "/chat/completions"); h != nil {
		return h(w, r)
	}
	var body chatRequest
	if err := decode.Body(r, &body, chatFields); err != nil {
		return err
	}
	q, err := body.neutral()
	if err != nil {
		return err
	}
	if body.Stream {
		return a.streaming(w, func(s *sse.Writer) error { return a.chatStream(r, s, &body, q) })
	}
	l, h, answers, err := a.begin(r, &body, q)
	if err != nil {
		return err
	}
	defer l.Release()
	server.Announce(w.Header(), l)
	return a.chatWhole(w, h, answers)
}

// begin loads the model and submits the answers. The lease is the caller's.
func (a *API) begin(r *http.Request, body *chatRequest, q *asked) (*library.Lease, head, []*llm.Answer, error) {
	l, err := a.b.Acquire(r.Context(), body.Model)
	if err != nil {
		return nil, head{}, nil, err
	}
	if err = checkBias(&q.opts, l); err == nil {
		var answers []*llm.Answer
		if answers, err = a.start(r, l, q); err == nil {
			return l, head{ID: "chatcmpl-" + a.o.NewID(), Created: a.o.Now().Unix(), Model: body.Model, Fingerprint: fingerprint(l)}, answers, nil
		}
	}
	l.Release()
	return nil, head{}, nil, err
}

// start submits all answers of a request.
func (a *API) start(r *http.Request, l *library.Lease, q *asked) ([]*llm.Answer, error) {
	if err := q.checkReasoning(l); err != nil {
		return nil, err
	}
	q.opts.NewID, q.opts.KeepPrefill = a.callID, true
	out, err := l.ChatN(r.Context(), q.req, q.opts, q.n)
	if err != nil {
		return nil, queued(err, l)
	}
	return out, nil
}

// checkReasoning refuses a switch that the model does not have.
func (q *asked) checkReasoning(l *library.Lease) error {
	format := l.Model().Format()
	if q.req.Thinking == nil || format == nil {
		return nil
	}
	switch f := format.Info(); {
	case *q.req.Thinking && !f.Thinking:
		return apierr.At(apierr.UnsupportedValue, q.thinkAt, "'%s' asks for reasoning, but the model does not reason", q.thinkAt)
	case !*q.req.Thinking && f.Thinking && !f.Switch:
		return apierr.At(apierr.UnsupportedValue, q.thinkAt, "'%s' asks for no reasoning, but the model always reasons", q.thinkAt)
	}
	return nil
}

// queued puts the length of the queue into the error that it is full.
func queued(err error, l *library.Lease) error {
	e := apierr.From(err)
	if e.Kind == apierr.Overloaded {
		e.Queue = l.Stats().Queued
	}
	if p, ok := wireNames[e.Param]; ok {
		e.Param = p
	}
	return e
}

// wireNames are this API's names for fields of the neutral request.
var wireNames = map[string]string{"output": "response_format"}

// fingerprint names what computed the answer.
func fingerprint(l *library.Lease) string { return "hf-" + l.Name() }
