package openai

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/decode"
	"github.com/holdfast-llm/holdfast/internal/server/sse"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// responsesRequest is the body of /v1/responses.
type responsesRequest struct {
	Model             string            `json:"model"`
	Input             json.RawMessage   `json:"input"` // string or items
	Instructions      *string           `json:"instructions"`
	PreviousID        *string           `json:"previous_response_id"`
	Store             *bool             `json:"store"`
	Stream            bool              `json:"stream"`
	Temperature       *float64          `json:"temperature"`
	TopP              *float64          `json:"top_p"`
	MaxOutputTokens   *int64            `json:"max_output_tokens"`
	TopLogprobs       *int64            `json:"top_logprobs"`
	Tools             []json.RawMessage `json:"tools"`
	ToolChoice        json.RawMessage   `json:"tool_choice"`
	ParallelToolCalls *bool             `json:"parallel_tool_calls"`
	Reasoning         *reasoningOptions `json:"reasoning"`
	Text              *textOptions      `json:"text"`
	Include           []string          `json:"include"`
	Truncation        string            `json:"truncation"`
	Background        bool              `json:"background"`
	MaxToolCalls      *int64            `json:"max_tool_calls"` // of tools that the server runs: there are none
	CacheKey          *string           `json:"prompt_cache_key"`
	Metadata          json.RawMessage   `json:"metadata"`
	who
}

type reasoningOptions struct {
	Effort  string `json:"effort"`
	Summary string `json:"summary"` // reasoning is given in full: a summary is not needed
	Mode    string `json:"mode"`
}

type textOptions struct {
	Format    *textFormat `json:"format"`
	Verbosity string      `json:"verbosity"`
}

type textFormat struct {
	Type   string          `json:"type"`
	Name   string          `json:"name"`
	Schema json.RawMessage `json:"schema"`
	Strict *bool           `json:"strict"`
}

// responsesFields is lenient: clients of this API, agents above all, send
// fields of their own and of its newest version. Those that would change the
// answer are refused.
var responsesFields = decode.Fields{
	Lenient: true,
	Refused: map[string]string{
		"conversation":       "conversations are not kept; use 'previous_response_id'",
		"prompt":             "there are no stored prompts",
		"context_management": "nothing is shortened here: a prompt that is too long is an error",
		"moderation":         "there is no moderation",
		"image":              "the models here write text only",
	},
}

// response is a request in our own terms, and what its answer repeats of it.
type responsesAsked struct {
	asked
	body  *responsesRequest
	items []json.RawMessage // the whole conversation
	owner string
}

// neutralResponses checks the request and turns it into ours.
func (a *API) neutralResponses(r *http.Request, b *responsesRequest) (*responsesAsked, error) {
	q := &responsesAsked{body: b, owner: server.Who(r.Context()).Name}
	q.n = 1
	q.req = &chat.Request{ParallelCalls: b.ParallelToolCalls}
	if err := b.check(); err != nil {
		return nil, err
	}
	if a.o.Stateless && b.PreviousID != nil && *b.PreviousID != "" {
		return nil, apierr.Unsupported("previous_response_id", "nothing is stored under this address; use /v1/responses")
	}
	if err := a.conversation(q); err != nil {
		return nil, err
	}
	var err error
	if q.req.Tools, err = responsesTools(b.Tools); err != nil {
		return nil, err
	}
	if err = choose(q.req, b.ToolChoice); err != nil {
		return nil, err
	}
	if q.req.Output, err = b.Text.output(); err != nil {
		return nil, err
	}
	s := sampling{Temperature: b.Temperature, TopP: b.TopP, who: b.who}
	if q.opts, _, err = s.options(); err != nil {
		return nil, err
	}
	if a.o.Stateless {
		q.opts.Namespace = b.name()
	}
	if b.Reasoning != nil {
		q.setEffort("reasoning.effort", b.Reasoning.Effort)
	}
	top := 0
	err = decode.First(
		decode.Int(&q.opts.MaxTokens, "max_output_tokens", b.MaxOutputTokens, 1, 1<<31-1),
		decode.Int(&top, "top_logprobs", b.TopLogprobs, 0, 20),
	)
	if top > 0 || slices.Contains(b.Include, includeLogprobs) {
		q.opts.Logprobs = top + 1
	}
	return q, err
}

const (
	includeLogprobs  = "message.output_text.logprobs"
	includeEncrypted = "reasoning.encrypted_content"
)

// includable are the words of include that mean something here, or that ask for
// what there is none of: images, and what a tool of the server's would have found.
var includable = []string{
	includeLogprobs, includeEncrypted, "file_search_call.results", "web_search_call.results", "web_search_call.action.sources",
	"message.input_image.image_url", "computer_call_output.output.image_url", "code_interpreter_call.outputs",
}

func (b *responsesRequest) check() error {
	for i, w := range b.Include {
		if !slices.Contains(includable, w) {
			return apierr.BadValue(fmt.Sprintf("include[%d]", i), w, fmt.Sprintf("one of %q", includable))
		}
	}
	switch {
	case b.Model == "":
		return apierr.Missing("model")
	case b.Background:
		return apierr.Unsupported("background", "answers are made while the client waits; use 'stream'")
	case b.Truncation != "" && b.Truncation != "disabled":
		return apierr.At(apierr.UnsupportedValue, "truncation", "'truncation' is %.100q, but only \"disabled\" is supported: nothing is ever cut off silently", b.Truncation)
	case b.Text != nil && verbosity("text.verbosity", b.Text.Verbosity) != nil:
		return verbosity("text.verbosity", b.Text.Verbosity)
	case b.Reasoning != nil:
		return decode.First(
			decode.OneOf("reasoning.effort", b.Reasoning.Effort, "none", "minimal", "low", "medium", "high", "xhigh", "max"),
			decode.OneOf("reasoning.summary", b.Reasoning.Summary, "auto", "concise", "detailed"),
			decode.OneOf("reasoning.mode", b.Reasoning.Mode, "standard"),
		)
	}
	return nil
}

// conversation puts instructions, what was said before, and the input together.
func (a *API) conversation(q *responsesAsked) error {
	b := q.body
	if b.PreviousID != nil && *b.PreviousID != "" {
		old, ok, err := a.o.Store.Get(*b.PreviousID, q.owner)
		if err != nil {
			return err
		}
		if !ok {
			return apierr.At(apierr.NotFound, "previous_response_id", "there is no stored response %.100q", *b.PreviousID)
		}
		q.items = slices.Clone(old.Items)
	}
	input, err := b.items()
	if err != nil {
		return err
	}
	before := len(q.items)
	q.items = append(q.items, input...)
	t := transcript{}
	if b.Instructions != nil && *b.Instructions != "" {
		t.messages = []chat.Message{{Role: chat.System, Content: chat.Text(*b.Instructions)}}
	}
	for i, raw := range q.items {
		at := "previous_response_id"
		if i >= before {
			at = fmt.Sprintf("input[%d]", i-before)
		}
		if err := t.add(raw, at); err != nil {
			return err
		}
	}
	q.req.Messages = t.messages
	return nil
}

// items returns the input as a list.
func (b *responsesRequest) items() ([]json.RawMessage, error) {
	if absent(b.Input) {
		return nil, apierr.Missing("input")
	}
	switch b.Input[0] {
	case '"':
		m, err := server.Marshal(map[string]any{"type": "message", "role": "user", "content": b.Input})
		return []json.RawMessage{m}, err
	case '[':
		var list []json.RawMessage
		if err := decode.Value(b.Input, &list, "input"); err != nil {
			return nil, err
		}
		if len(list) == 0 {
			return nil, apierr.At(apierr.InvalidValue, "input", "'input' is empty: there is nothing to answer")
		}
		return list, nil
	}
	return nil, apierr.At(apierr.InvalidValue, "input", "'input' must be a string or an array of items")
}

func (t *textOptions) output() (chat.Output, error) {
	if t == nil || t.Format == nil {
		return chat.Output{}, nil
	}
	f := responseFormat{Type: t.Format.Type}
	if f.Type == "json_schema" {
		s := jsonSchema{Name: t.Format.Name, Schema: t.Format.Schema, Strict: t.Format.Strict}
		return s.output("text.format")
	}
	out, err := f.output()
	if err != nil {
		return out, apierr.BadValue("text.format.type", f.Type, `one of "text", "json_object", "json_schema"`)
	}
	return out, nil
}

// responsesTools reads tools, whose functions are not in an object of their own here.
func responsesTools(in []json.RawMessage) ([]chat.Tool, error) {
	var out []chat.Tool
	if len(in) > maxTools {
		return nil, apierr.At(apierr.InvalidValue, "tools", "there are %d tools, but at most %d are allowed", len(in), maxTools)
	}
	for i, raw := range in {
		at := fmt.Sprintf("tools[%d]", i)
		var t struct {
			Type string `json:"type"`
			function
		}
		if err := decode.Value(raw, &t, at); err != nil {
			return nil, err
		}
		if t.Type != "function" {
			return nil, apierr.At(apierr.UnsupportedValue, at+".type", "'%s.type' is %.100q, but only \"function\" is supported", at, t.Type)
		}
		var err error
		if out, err = addTool(out, t.function, at); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Responses answers /v1/responses, and the same under another address.
func (a *API) Responses(w http.ResponseWriter, r *http.Request) error {
	var body responsesRequest
	if err := decode.Body(r, &body, responsesFields); err != nil {
		return err
	}
	q, err := a.neutralResponses(r, &body)
	if err != nil {
		return err
	}
	if body.Stream {
		return a.responsesStream(w, r, q)
	}
	l, ans, err := a.beginResponse(r, q)
	if err != nil {
		return err
	}
	defer l.Release()
	server.Announce(w.Header(), l)
	b := a.newBuilder(q, nil)
	if err := b.read(ans); err != nil {
		return err
	}
	return server.WriteJSON(w, http.StatusOK, b.out)
}

func (a *API) beginResponse(r *http.Request, q *responsesAsked) (*library.Lease, *llm.Answer, error) {
	l, err := a.b.Acquire(r.Context(), q.body.Model)
	if err != nil {
		return nil, nil, err
	}
	answers, err := a.start(r, l, &q.asked)
	if err != nil {
		l.Release()
		if e := apierr.From(err); e.Param == "response_format" {
			e.Param = "text.format"
		}
		return nil, nil, err
	}
	return l, answers[0], nil
}

// responsesStream writes the events. While the model thinks it over, a repeated
// response.in_progress shows clients that count events that it goes on.
func (a *API) responsesStream(w http.ResponseWriter, r *http.Request, q *responsesAsked) error {
	e := &emitter{}
	s := sse.New(w, sse.Options{Heartbeat: a.o.Heartbeat, Timeout: a.o.WriteTimeout, Beat: e.beat})
	defer s.Close()
	e.s = s
	l, ans, err := a.beginResponse(r, q)
	if err != nil {
		if s.Started() {
			ae := apierr.From(err)
			_ = s.Event("error", map[string]any{"type": "error", "code": ae.Code(), "message": ae.Message, "param": ae.Param, "sequence_number": 0})
		}
		return err
	}
	defer l.Release()
	s.Header(func(h http.Header) { server.Announce(h, l) })
	return a.newBuilder(q, e).read(ans)
}

// responsesCount counts the prompt of a responses request.
func (a *API) responsesCount(w http.ResponseWriter, r *http.Request) error {
	var body responsesRequest
	if err := decode.Body(r, &body, responsesFields); err != nil {
		return err
	}
	q, err := a.neutralResponses(r, &body)
	if err != nil {
		return err
	}
	l, err := a.b.Acquire(r.Context(), body.Model)
	if err != nil {
		return err
	}
	defer l.Release()
	ids, err := l.Prompt(q.req)
	if err != nil {
		return err
	}
	return server.WriteJSON(w, http.StatusOK, countAnswer{Object: "response.input_tokens", InputTokens: len(ids)})
}
