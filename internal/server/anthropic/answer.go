package anthropic

import (
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

// answer is the whole answer, and what a stream begins with.
type answer struct {
	ID           string  `json:"id"`
	Type         string  `json:"type"`
	Role         string  `json:"role"`
	Model        string  `json:"model"`
	Content      []any   `json:"content"`
	StopReason   *string `json:"stop_reason"`
	StopSequence *string `json:"stop_sequence"`
	Usage        usage   `json:"usage"`
}

// usage counts tokens the way Anthropic does: all of a prompt is the sum of its
// three numbers. Writing into the cache is not counted apart, for everything is.
type usage struct {
	InputTokens   int           `json:"input_tokens"`
	CacheCreation int           `json:"cache_creation_input_tokens"`
	CacheRead     int           `json:"cache_read_input_tokens"`
	OutputTokens  int           `json:"output_tokens"`
	Details       outputDetails `json:"output_tokens_details"`
	ServiceTier   string        `json:"service_tier,omitempty"` // not in message_delta
}

type outputDetails struct {
	ThinkingTokens int `json:"thinking_tokens"`
}

func usageOf(u chat.Usage) usage {
	return usage{
		InputTokens: u.PromptTokens - u.CachedTokens, CacheRead: u.CachedTokens,
		OutputTokens: u.CompletionTokens, Details: outputDetails{u.ReasoningTokens},
	}
}

// A reply is an answer being made for one request.
type reply struct {
	api   *API
	q     *asked
	lease *library.Lease
	ans   *llm.Answer
	head  answer
	sign  string // of the thinking, once there was any
}

// messages answers /v1/messages.
func (a *API) messages(w http.ResponseWriter, r *http.Request) error {
	var body messagesRequest
	if err := decode.Body(r, &body, requestFields); err != nil {
		return err
	}
	q, err := body.neutral()
	if err != nil {
		return err
	}
	if body.MaxTokens == nil {
		return apierr.Missing("max_tokens")
	}
	if body.Stream {
		return a.streaming(w, func(s *sse.Writer) error { return a.stream(r, s, body.Model, q) })
	}
	p, err := a.begin(r, body.Model, q)
	if err != nil {
		return err
	}
	defer p.lease.Release()
	server.Announce(w.Header(), p.lease)
	return p.whole(w)
}

// begin loads the model and submits the request. The lease is the caller's.
func (a *API) begin(r *http.Request, model string, q *asked) (*reply, error) {
	l, err := a.b.Acquire(r.Context(), a.resolve(r.Context(), model))
	if err != nil {
		return nil, err
	}
	settle(q.req, l)
	q.opts.User, q.opts.Namespace = q.user, q.user
	q.opts.KeepPrefill = true
	q.opts.NewID = func(int) string { return "toolu_" + a.o.NewID() }
	q.opts.Signatures = q.signatures
	ans, err := l.Chat(r.Context(), q.req, q.opts)
	if err != nil {
		err = renamed(err, l.Stats().Queued)
		l.Release()
		return nil, err
	}
	p := &reply{api: a, q: q, lease: l, ans: ans}
	p.head = answer{ID: "msg_" + a.o.NewID(), Type: "message", Role: "assistant", Model: model, Content: []any{}}
	p.head.Usage = usageOf(chat.Usage{PromptTokens: len(ans.Prompt())})
	p.head.Usage.ServiceTier = "standard"
	return p, nil
}

// settle decides about thinking where the request does not: off, as in the API,
// for clients that do not ask for thinking read the first block as the answer. A
// model that cannot be told so thinks as it always does.
func settle(r *chat.Request, l *library.Lease) {
	if f := l.Model().Format(); r.Thinking == nil && f != nil && f.Info().Switch {
		off := false
		r.Thinking = &off
	}
}

// signature returns what stands for the thinking of this answer.
func (p *reply) signature() string {
	if p.sign == "" {
		if p.sign = p.ans.Signature(); p.sign == "" {
			p.sign = "sig_" + p.api.o.NewID()
		}
	}
	return p.sign
}

// finished takes the end of an answer: an error if it cannot be used, or its
// reason and numbers.
func (p *reply) finished(d chat.Done, u chat.Usage) error {
	switch d.Reason {
	case chat.FinishError, chat.FinishCanceled:
		if d.Err != nil {
			return d.Err
		}
		return apierr.New(apierr.Internal, "the answer was not finished")
	default:
	}
	tier := p.head.Usage.ServiceTier
	p.head.Usage = usageOf(u)
	p.head.Usage.ServiceTier = tier
	reason := p.reason(d, u)
	if p.head.StopReason = &reason; reason == "stop_sequence" {
		p.head.StopSequence = &d.Stop
	}
	if p.q.warm {
		p.head.Usage.OutputTokens, p.head.Usage.Details = 0, outputDetails{}
	}
	return nil
}

// reason says in the API's words why an answer ended.
func (p *reply) reason(d chat.Done, u chat.Usage) string {
	switch {
	case p.q.warm:
		return "max_tokens"
	case d.Reason == chat.FinishToolCalls:
		return "tool_use"
	case d.Reason == chat.FinishFilter:
		return "refusal"
	case d.Reason == chat.FinishLength && u.CompletionTokens < p.q.opts.MaxTokens:
		return "model_context_window_exceeded"
	case d.Reason == chat.FinishLength:
		return "max_tokens"
	case d.Stop != "" && slices.Contains(p.q.req.Stop, d.Stop):
		return "stop_sequence"
	}
	return "end_turn"
}

// whole reads the answer to its end and sends it.
func (p *reply) whole(w http.ResponseWriter) error {
	var blocks []*block
	var last *block
	var u chat.Usage
	var d chat.Done
	for e := range p.ans.Events() {
		switch e := e.(type) {
		case chat.Usage:
			u = e
		case chat.Done:
			d = e
		}
		_, text, ok := piece(e)
		if !ok || p.q.warm {
			continue
		}
		if !last.takes(e) {
			last = open(e)
			blocks = append(blocks, last)
		}
		last.text.WriteString(text)
	}
	for _, b := range blocks {
		sign := ""
		if b.kind == kindThinking {
			sign = p.signature()
			if p.q.hide {
				b.text.Reset()
			}
		}
		p.head.Content = append(p.head.Content, b.wire(sign))
	}
	if err := p.finished(d, u); err != nil {
		return err
	}
	return server.WriteJSON(w, http.StatusOK, p.head)
}
