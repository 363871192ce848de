package ollama

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/decode"
	"github.com/holdfast-llm/holdfast/internal/server/sse"
)

// embedRequest is the body of /api/embed.
type embedRequest struct {
	Model      string          `json:"model"`
	Input      json.RawMessage `json:"input"`    // string or strings
	Truncate   *bool           `json:"truncate"` // cut what is too long: only if asked for
	Dimensions *int64          `json:"dimensions"`
	KeepAlive  json.RawMessage `json:"keep_alive"`
	Options    json.RawMessage `json:"options"`
}

type embedAnswer struct {
	Model           string        `json:"model"`
	Embeddings      [][]float32   `json:"embeddings"`
	TotalDuration   time.Duration `json:"total_duration"`
	LoadDuration    time.Duration `json:"load_duration"`
	PromptEvalCount int           `json:"prompt_eval_count"`
}

// maxInputs bounds the texts of one request.
const maxInputs = 4096

// embed answers /api/embed.
func (a *API) embed(w http.ResponseWriter, r *http.Request) error {
	var body embedRequest
	if err := decode.Body(r, &body, decode.Fields{}); err != nil {
		return err
	}
	texts := make([]string, 1)
	var err error
	switch {
	case missing(body.Input):
		return apierr.Missing("input")
	case body.Input[0] == '[':
		err = decode.Value(body.Input, &texts, "input")
	default:
		err = decode.Value(body.Input, &texts[0], "input")
	}
	switch {
	case err != nil:
		return err
	case len(texts) > maxInputs:
		return apierr.At(apierr.InvalidValue, "input", "there are %d texts, but at most %d are allowed", len(texts), maxInputs)
	}
	return a.vectors(w, r, &body, texts, func(out *embedAnswer) any { return out })
}

// embeddings answers /api/embeddings, the older form: one text, and a vector that
// is as long as it comes.
func (a *API) embeddings(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Model     string          `json:"model"`
		Prompt    string          `json:"prompt"`
		KeepAlive json.RawMessage `json:"keep_alive"`
		Options   json.RawMessage `json:"options"`
	}
	if err := decode.Body(r, &body, decode.Fields{}); err != nil {
		return err
	}
	texts := []string{body.Prompt}
	if body.Prompt == "" {
		texts = nil
	}
	q := &embedRequest{Model: body.Model, KeepAlive: body.KeepAlive, Options: body.Options}
	return a.vectors(w, r, q, texts, func(out *embedAnswer) any {
		one := []float32{}
		if len(out.Embeddings) > 0 {
			one = out.Embeddings[0]
		}
		return map[string]any{"embedding": one}
	})
}

// vectors makes one vector for each text. Without a text it only loads the model.
func (a *API) vectors(w http.ResponseWriter, r *http.Request, body *embedRequest, texts []string, shape func(*embedAnswer) any) error {
	if body.Model == "" {
		return apierr.Missing("model")
	}
	if _, err := a.b.Info(body.Model); err != nil {
		return err
	}
	q := &asked{model: body.Model}
	var err error
	if q.keep, q.kept, err = keepAlive(body.KeepAlive); err != nil {
		return err
	}
	o, err := readOptions(body.Options)
	if err == nil {
		err = o.neutral(q)
	}
	eo := llm.EmbedOptions{}
	if err == nil {
		err = decode.Int(&eo.Dimensions, "dimensions", body.Dimensions, 1, 1<<20)
	}
	if err != nil {
		return err
	}
	return a.streaming(w, false, nil, func(s *sse.Writer) error {
		start := time.Now()
		l, err := a.acquire(r.Context(), q)
		if err != nil {
			return err
		}
		defer l.Release()
		out := &embedAnswer{Model: body.Model, Embeddings: [][]float32{}, LoadDuration: time.Since(start)}
		if len(texts) > 0 {
			ids, err := q.inputs(l, texts, body.Truncate != nil && *body.Truncate)
			if err != nil {
				return err
			}
			vectors, usage, err := l.Model().Embed(r.Context(), ids, eo)
			if err != nil {
				return queued(err, l)
			}
			out.Embeddings, out.PromptEvalCount = vectors, usage.PromptTokens
		}
		out.TotalDuration = time.Since(start)
		return s.Event("", shape(out))
	})
}

// inputs turns texts into tokens. What is too long is an error, unless cutting
// was asked for.
func (q *asked) inputs(l *library.Lease, texts []string, cut bool) ([][]int32, error) {
	room := l.Context()
	if q.numCtx > 0 {
		room = q.numCtx
	}
	out := make([][]int32, len(texts))
	for i, t := range texts {
		ids := l.Model().EmbedTokens(t)
		switch {
		case len(ids) == 0:
			return nil, apierr.At(apierr.InvalidValue, fmt.Sprintf("input[%d]", i), "a text must not be empty")
		case len(ids) > room && cut:
			ids = ids[:room]
		case len(ids) > room:
			return nil, &engine.ContextError{PromptTokens: len(ids), Context: room}
		}
		out[i] = ids
	}
	return out, nil
}
