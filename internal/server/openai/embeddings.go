package openai

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"

	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/decode"
)

// embeddingsRequest is the body of /v1/embeddings.
type embeddingsRequest struct {
	Model      string          `json:"model"`
	Input      json.RawMessage `json:"input"` // string, strings, tokens, or lists of tokens
	Format     string          `json:"encoding_format"`
	Dimensions *int64          `json:"dimensions"`
	who
}

var embeddingsFields = decode.Fields{Ignored: harmless}

// maxInputs is what OpenAI allows.
const maxInputs = 2048

type embeddingList struct {
	Object string         `json:"object"`
	Data   []embedding    `json:"data"`
	Model  string         `json:"model"`
	Usage  embeddingUsage `json:"usage"`
}

type embedding struct {
	Object    string `json:"object"`
	Index     int    `json:"index"`
	Embedding any    `json:"embedding"` // numbers, or their bytes as text
}

type embeddingUsage struct {
	PromptTokens int `json:"prompt_tokens"`
	TotalTokens  int `json:"total_tokens"`
}

// embeddings answers /v1/embeddings.
func (a *API) embeddings(w http.ResponseWriter, r *http.Request) error {
	var body embeddingsRequest
	if err := decode.Body(r, &body, embeddingsFields); err != nil {
		return err
	}
	if body.Model == "" {
		return apierr.Missing("model")
	}
	inputs, err := prompts(body.Input, "input", maxInputs)
	if err != nil {
		return err
	}
	if err := decode.OneOf("encoding_format", body.Format, "float", "base64"); err != nil {
		return err
	}
	l, err := a.b.Acquire(r.Context(), body.Model)
	if err != nil {
		return err
	}
	defer l.Release()
	o := llm.EmbedOptions{User: body.name()}
	if err := decode.Int(&o.Dimensions, "dimensions", body.Dimensions, 1, int64(l.Model().Engine().ModelConfig().Embd)); err != nil {
		return err
	}
	tokens, err := embedTokens(l, inputs)
	if err != nil {
		return err
	}
	vectors, usage, err := l.Model().Embed(r.Context(), tokens, o)
	if err != nil {
		return queued(err, l)
	}
	server.Announce(w.Header(), l)
	out := embeddingList{Object: "list", Model: body.Model, Usage: embeddingUsage{usage.PromptTokens, usage.PromptTokens}}
	for i, v := range vectors {
		out.Data = append(out.Data, embedding{"embedding", i, encoded(v, body.Format)})
	}
	return server.WriteJSON(w, http.StatusOK, out)
}

func embedTokens(l *library.Lease, inputs []prompt) ([][]int32, error) {
	out := make([][]int32, len(inputs))
	for i, p := range inputs {
		at := "input"
		if len(inputs) > 1 {
			at = fmt.Sprintf("input[%d]", i)
		}
		ids := p.tokens
		if ids == nil {
			ids = l.Model().EmbedTokens(p.text)
		}
		if p.text == "" && len(p.tokens) == 0 {
			return nil, apierr.At(apierr.InvalidValue, at, "'%s' is empty", at)
		}
		if err := inVocabulary(l, at, ids); err != nil {
			return nil, err
		}
		out[i] = ids
	}
	return out, nil
}

// encoded is a vector on the wire: OpenAI's clients ask for base64, which is
// shorter, and unpack it themselves.
func encoded(v []float32, format string) any {
	if format != "base64" {
		return v
	}
	b := make([]byte, 0, 4*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return base64.StdEncoding.EncodeToString(b)
}
