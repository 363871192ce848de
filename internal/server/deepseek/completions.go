package deepseek

import (
	"net/http"
	"slices"

	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/engine/sample"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/decode"
	"github.com/holdfast-llm/holdfast/internal/server/sse"
	"github.com/holdfast-llm/holdfast/internal/server/wire"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// fimRequest is the body of /completions: what stands between prompt and suffix.
type fimRequest struct {
	Model         string   `json:"model"`
	Prompt        *string  `json:"prompt"`
	Suffix        *string  `json:"suffix"`
	Echo          bool     `json:"echo"`
	Logprobs      *int64   `json:"logprobs"`
	MaxTokens     *int64   `json:"max_tokens"`
	Stop          stops    `json:"stop"`
	Stream        bool     `json:"stream"`
	StreamOptions *options `json:"stream_options"`
	Temperature   *float64 `json:"temperature"`
	TopP          *float64 `json:"top_p"`
	Seed          *int64   `json:"seed"`
	UserID        string   `json:"user_id"`
	User          string   `json:"user"`
}

type options struct {
	IncludeUsage bool `json:"include_usage"`
}

// fimFields knows what OpenAI's clients send to the same address.
var fimFields = decode.Fields{
	Ignored: []string{"frequency_penalty", "presence_penalty", "metadata"}, // the first two are documented to do nothing
	Refused: map[string]string{
		"n": "there is one answer", "best_of": "there is one answer", "logit_bias": "use /v1/completions",
	},
}

// Limits of the endpoint.
const (
	fimPrompt    = "Once upon a time, " // documented as the default
	fimTokens    = 4096
	maxStops     = 16
	maxAlternate = 20
)

// stops is a text or a list of texts.
type stops []string

// UnmarshalJSON reads both forms.
func (s *stops) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		*s = make(stops, 1)
		return decode.Value(b, &(*s)[0], "stop")
	}
	var list []string
	if err := decode.Value(b, &list, "stop"); err != nil {
		return err
	}
	*s = list
	return nil
}

// fim is a request in our own terms.
type fim struct {
	*fimRequest
	model   string
	prompt  string
	opts    llm.Options
	include bool
}

// readFIM checks a request.
func (a *API) readFIM(r *http.Request) (*fim, error) {
	q := &fim{fimRequest: &fimRequest{}, prompt: fimPrompt}
	if err := decode.Body(r, q.fimRequest, fimFields); err != nil {
		return nil, err
	}
	if q.Model == "" {
		return nil, malformed("missing field `model`")
	}
	if q.Prompt != nil {
		q.prompt = *q.Prompt
	}
	o := &q.opts
	o.Sampling, o.MaxTokens = sample.Default(), fimTokens
	top := -1
	err := decode.First(
		decode.Float(&o.Sampling.Temperature, "temperature", q.Temperature, 0, 2),
		decode.Float(&o.Sampling.TopP, "top_p", q.TopP, 0, 1),
		decode.Int(&o.MaxTokens, "max_tokens", q.MaxTokens, 1, 1<<31-1),
		decode.Int(&top, "logprobs", q.Logprobs, 0, maxAlternate),
		q.combinations(),
		isolate(r, o, q.UserID, q.User),
	)
	if err != nil {
		return nil, err
	}
	o.Logprobs = top + 1
	if q.Seed != nil {
		o.Sampling.Seed = uint64(*q.Seed)
	}
	info, m, err := a.resolve(r.Context(), q.Model)
	if err != nil {
		return nil, err
	}
	if m == thinkingOn {
		return nil, apierr.At(apierr.UnsupportedValue, "model", "filling in the middle is without thinking: use \"deepseek-chat\", or the model's own name")
	}
	q.model = info.Name
	return q, nil
}

// combinations refuses what cannot be had together.
func (q *fim) combinations() error {
	if q.StreamOptions != nil {
		if !q.Stream {
			return apierr.At(apierr.InvalidRequest, "stream_options", "stream_options should be set along with stream = true")
		}
		q.include = q.StreamOptions.IncludeUsage
	}
	switch {
	case len(q.Stop) > maxStops:
		return apierr.At(apierr.InvalidRequest, "stop", "Stop string array too long: %d", len(q.Stop))
	case q.Echo && q.Logprobs != nil:
		return apierr.At(apierr.UnsupportedValue, "echo", "'echo' together with 'logprobs' is not supported: the prompt has no log-probabilities here")
	case q.Echo && q.Suffix != nil && *q.Suffix != "":
		return apierr.At(apierr.UnsupportedValue, "echo", "'echo' together with 'suffix' is not supported")
	}
	if slices.Contains(q.Stop, "") {
		return apierr.At(apierr.InvalidRequest, "stop", "a stop text must not be empty")
	}
	return nil
}

// tokens returns the prompt: with a suffix, or without one for a text that is
// only continued.
func (q *fim) tokens(l *library.Lease) ([]int32, error) {
	if q.Suffix != nil && *q.Suffix != "" {
		return wire.Infill(l.Tokenizer(), l.Name(), q.prompt, *q.Suffix)
	}
	ids := l.Model().Encode(tokenizer.Span{Text: q.prompt})
	if len(ids) == 0 {
		return nil, apierr.At(apierr.InvalidRequest, "prompt", "'prompt' is empty, and the model has no token to begin a text with")
	}
	return ids, nil
}

// completions answers /completions.
func (a *API) completions(w http.ResponseWriter, r *http.Request) error {
	q, err := a.readFIM(r)
	if err != nil {
		return err
	}
	return a.answer(w, q.Stream, func(s *sse.Writer) error {
		l, err := a.b.Acquire(r.Context(), q.model)
		if err != nil {
			return err
		}
		defer l.Release()
		ids, err := q.tokens(l)
		if err != nil {
			return err
		}
		ans, err := l.Model().CompleteTokens(r.Context(), ids, q.Stop, q.opts)
		if err != nil {
			return queued(err, l)
		}
		s.Header(func(h http.Header) { server.Announce(h, l) })
		t := &textStreamer{s: s, q: q, head: head{ID: a.o.NewID(), Object: "text_completion", Created: a.o.Now().Unix(), Model: q.Model, Fingerprint: fingerprint(l)}}
		return a.limited(ans, func() error {
			if q.Stream {
				return t.stream(ans)
			}
			return t.whole(ans)
		})
	})
}
