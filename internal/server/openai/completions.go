package openai

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/decode"
	"github.com/holdfast-llm/holdfast/internal/server/sse"
	"github.com/holdfast-llm/holdfast/internal/server/wire"
)

// completionRequest is the body of /v1/completions.
type completionRequest struct {
	sampling
	Model         string          `json:"model"`
	Prompt        json.RawMessage `json:"prompt"` // string, strings, tokens, or lists of tokens
	Suffix        *string         `json:"suffix"`
	Echo          bool            `json:"echo"`
	Logprobs      *int64          `json:"logprobs"`
	BestOf        *int64          `json:"best_of"`
	Stream        bool            `json:"stream"`
	StreamOptions *streamOptions  `json:"stream_options"`
}

var completionFields = decode.Fields{
	Ignored: harmless,
	Refused: map[string]string{"response_format": "use /v1/chat/completions"},
}

// prompt is one of the prompts of a request: text or tokens.
type prompt struct {
	text   string
	tokens []int32 // if not nil
}

const (
	maxPrompts       = 128
	defaultMaxTokens = 16 // documented by OpenAI
)

// prompts reads the four forms of a prompt, at most so many.
func prompts(raw json.RawMessage, at string, most int) ([]prompt, error) {
	if absent(raw) {
		return nil, apierr.Missing(at)
	}
	if raw[0] == '"' {
		p := make([]prompt, 1)
		return p, decode.Value(raw, &p[0].text, at)
	}
	var list []json.RawMessage
	if raw[0] != '[' || json.Unmarshal(raw, &list) != nil || len(list) == 0 {
		return nil, apierr.At(apierr.InvalidValue, at, "'%s' must be a string, an array of strings, an array of token ids, or an array of such arrays, and not empty", at)
	}
	if list[0][0] != '"' && list[0][0] != '[' {
		p := make([]prompt, 1)
		return p, decode.Tokens(&p[0].tokens, at, raw)
	}
	if len(list) > most {
		return nil, apierr.At(apierr.InvalidValue, at, "there are %d texts in '%s', but at most %d are allowed", len(list), at, most)
	}
	out := make([]prompt, len(list))
	for i, x := range list {
		each := fmt.Sprintf("%s[%d]", at, i)
		var err error
		switch {
		case x[0] == '[':
			err = decode.Tokens(&out[i].tokens, each, x)
		case absent(x):
			err = apierr.At(apierr.InvalidValue, each, "'%s' is null, but must be a text or token ids", each)
		default:
			err = decode.Value(x, &out[i].text, each)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// inVocabulary refuses tokens that the model does not have.
func inVocabulary(l *library.Lease, at string, ids []int32) error {
	size := l.Tokenizer().Size()
	for _, id := range ids {
		if id < 0 || int(id) >= size {
			return apierr.At(apierr.InvalidValue, at, "'%s' has the token %d, but the model has the tokens 0 to %d", at, id, size-1)
		}
	}
	return nil
}

// completion is a request in our own terms.
type completion struct {
	prompts []prompt
	suffix  string
	stop    []string
	opts    llm.Options
	n       int
	echo    bool
	top     int // alternatives; -1 without log-probabilities
	include bool
	created int64
	model   string
}

func (c *completionRequest) neutral() (*completion, error) {
	if c.Model == "" {
		return nil, apierr.Missing("model")
	}
	q := &completion{echo: c.Echo, top: -1, model: c.Model}
	var err error
	if q.prompts, err = prompts(c.Prompt, "prompt", maxPrompts); err != nil {
		return nil, err
	}
	if q.stop, err = c.stops(); err != nil {
		return nil, err
	}
	if q.opts, q.n, err = c.options(); err != nil {
		return nil, err
	}
	if q.opts.MaxTokens == 0 {
		q.opts.MaxTokens = defaultMaxTokens
	}
	if err := decode.Int(&q.top, "logprobs", c.Logprobs, 0, 20); err != nil {
		return nil, err
	}
	q.opts.Logprobs = q.top + 1
	if c.Suffix != nil {
		q.suffix = *c.Suffix
	}
	if c.StreamOptions != nil {
		q.include = c.StreamOptions.IncludeUsage
	}
	return q, c.combinations(q)
}

// combinations refuses what cannot be had together.
func (c *completionRequest) combinations(q *completion) error {
	switch {
	case c.BestOf != nil && *c.BestOf != int64(q.n):
		return apierr.At(apierr.UnsupportedValue, "best_of", "'best_of' is %d, but only the value of 'n' (%d) is supported: every answer is returned", *c.BestOf, q.n)
	case c.Echo && c.Logprobs != nil:
		return apierr.At(apierr.UnsupportedValue, "echo", "'echo' together with 'logprobs' is not supported: the prompt has no log-probabilities here")
	case c.Echo && q.suffix != "":
		return apierr.At(apierr.UnsupportedValue, "echo", "'echo' together with 'suffix' is not supported")
	case c.StreamOptions != nil && !c.Stream:
		return apierr.At(apierr.InvalidValue, "stream_options", "'stream_options' needs 'stream' to be true")
	case q.suffix != "" && q.prompts[0].tokens != nil:
		return apierr.At(apierr.UnsupportedValue, "suffix", "'suffix' needs a prompt of text")
	case len(q.prompts)*q.n > maxPrompts:
		return apierr.At(apierr.InvalidValue, "n", "%d prompts with %d answers each are more than %d", len(q.prompts), q.n, maxPrompts)
	}
	return nil
}

// tokens turns a prompt into tokens: with a suffix, the model's own markers for
// filling in the middle.
func (q *completion) tokens(l *library.Lease, p prompt) ([]int32, error) {
	if p.tokens != nil {
		return p.tokens, inVocabulary(l, "prompt", p.tokens)
	}
	if q.suffix == "" {
		return l.Model().Encode(textSpan(p.text)), nil
	}
	return wire.Infill(l.Tokenizer(), l.Name(), p.text, q.suffix)
}

// completions answers /v1/completions.
func (a *API) completions(w http.ResponseWriter, r *http.Request) error {
	if h := a.delegated(r, "/completions"); h != nil {
		return h(w, r)
	}
	var body completionRequest
	if err := decode.Body(r, &body, completionFields); err != nil {
		return err
	}
	q, err := body.neutral()
	if err != nil {
		return err
	}
	if body.Stream {
		return a.streaming(w, func(s *sse.Writer) error { return a.completionStream(r, s, q) })
	}
	l, answers, err := a.complete(r, q)
	if err != nil {
		return err
	}
	defer l.Release()
	server.Announce(w.Header(), l)
	return a.completionWhole(w, l, q, answers)
}

// complete loads the model and submits the answers: the n of the first prompt,
// then those of the next. The lease is the caller's.
func (a *API) complete(r *http.Request, q *completion) (*library.Lease, []*llm.Answer, error) {
	l, err := a.b.Acquire(r.Context(), q.model)
	if err != nil {
		return nil, nil, err
	}
	q.created = a.o.Now().Unix()
	answers, err := a.submit(r, l, q)
	if err != nil {
		for _, other := range answers {
			other.Cancel()
		}
		l.Release()
		return nil, nil, queued(err, l)
	}
	return l, answers, nil
}

func (a *API) submit(r *http.Request, l *library.Lease, q *completion) (out []*llm.Answer, err error) {
	if err := checkBias(&q.opts, l); err != nil {
		return nil, err
	}
	q.opts.KeepPrefill = true
	for _, p := range q.prompts {
		ids, err := q.tokens(l, p)
		if err != nil {
			return out, err
		}
		if len(ids) == 0 {
			return out, apierr.At(apierr.InvalidValue, "prompt", "'prompt' is empty, and the model has no token to begin a text with")
		}
		for i := range q.n {
			ans, err := l.Model().CompleteTokens(r.Context(), ids, q.stop, seeded(q.opts, i))
			if err != nil {
				return out, err
			}
			out = append(out, ans)
		}
	}
	return out, nil
}
