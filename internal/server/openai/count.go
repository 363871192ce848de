package openai

import (
	"encoding/json"
	"net/http"

	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/decode"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// countAnswer is how many tokens a request would be.
type countAnswer struct {
	Object      string `json:"object"`
	InputTokens int    `json:"input_tokens"`
}

// chatCount counts the prompt of a chat request without answering it.
func (a *API) chatCount(w http.ResponseWriter, r *http.Request) error {
	var body chatRequest
	if err := decode.Body(r, &body, chatFields); err != nil {
		return err
	}
	q, err := body.neutral()
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
	return server.WriteJSON(w, http.StatusOK, countAnswer{Object: "chat.completion.input_tokens", InputTokens: len(ids)})
}

// tokenizeRequest has a text or, for a chat, messages. content and prompt are
// two names in use for the text.
type tokenizeRequest struct {
	Model      string          `json:"model"`
	Content    *string         `json:"content"`
	Prompt     *string         `json:"prompt"`
	Messages   []message       `json:"messages"`
	Tools      []tool          `json:"tools"`
	AddSpecial *bool           `json:"add_special"`
	Special    bool            `json:"parse_special"`
	WithPieces bool            `json:"with_pieces"`
	Kwargs     json.RawMessage `json:"chat_template_kwargs"`
}

type tokenizeAnswer struct {
	Tokens      []int32  `json:"tokens"`
	Pieces      []string `json:"pieces,omitempty"`
	Count       int      `json:"count"`
	MaxModelLen int      `json:"max_model_len"`
}

// tokenize answers /tokenize.
func (a *API) tokenize(w http.ResponseWriter, r *http.Request) error {
	var body tokenizeRequest
	if err := decode.Body(r, &body, decode.Fields{}); err != nil {
		return err
	}
	if body.Model == "" {
		return apierr.Missing("model")
	}
	l, err := a.b.Acquire(r.Context(), body.Model)
	if err != nil {
		return err
	}
	defer l.Release()
	text := body.Content
	if text == nil {
		text = body.Prompt
	}
	var ids []int32
	switch {
	case body.Messages != nil:
		c := chatRequest{Model: body.Model, Messages: body.Messages, Tools: body.Tools}
		if !absent(body.Kwargs) {
			if err := decode.Value(body.Kwargs, &c.TemplateVariables, "chat_template_kwargs"); err != nil {
				return err
			}
		}
		q, err := c.neutral()
		if err != nil {
			return err
		}
		if ids, err = l.Prompt(q.req); err != nil {
			return err
		}
	case text == nil:
		return apierr.Missing("content")
	case body.AddSpecial != nil && *body.AddSpecial:
		ids = l.Model().Encode(tokenizer.Span{Text: *text, Template: body.Special})
	default:
		ids = l.Tokenizer().Encode([]int32{}, tokenizer.Span{Text: *text, Template: body.Special})
	}
	out := tokenizeAnswer{Tokens: ids, Count: len(ids), MaxModelLen: l.Context()}
	if body.WithPieces {
		for _, id := range ids {
			out.Pieces = append(out.Pieces, string(l.Tokenizer().Bytes(id)))
		}
	}
	return server.WriteJSON(w, http.StatusOK, out)
}

// detokenize answers /detokenize.
func (a *API) detokenize(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Model  string          `json:"model"`
		Tokens json.RawMessage `json:"tokens"`
	}
	if err := decode.Body(r, &body, decode.Fields{}); err != nil {
		return err
	}
	if body.Model == "" {
		return apierr.Missing("model")
	}
	var ids []int32
	if err := decode.Tokens(&ids, "tokens", body.Tokens); err != nil {
		return err
	}
	l, err := a.b.Acquire(r.Context(), body.Model)
	if err != nil {
		return err
	}
	defer l.Release()
	if err := inVocabulary(l, "tokens", ids); err != nil {
		return err
	}
	text := l.Tokenizer().Decode(ids, true)
	return server.WriteJSON(w, http.StatusOK, map[string]string{"content": text, "prompt": text})
}
