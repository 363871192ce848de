package anthropic

import (
	"net/http"

	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/decode"
)

// countAnswer is how many tokens a request would be.
type countAnswer struct {
	InputTokens int `json:"input_tokens"`
}

// countTokens counts the prompt of a request without answering it. It takes
// every field of a request, though the API's own has no sampling: clients send
// the body that they would send for an answer.
func (a *API) countTokens(w http.ResponseWriter, r *http.Request) error {
	var body messagesRequest
	if err := decode.Body(r, &body, requestFields); err != nil {
		return err
	}
	q, err := body.neutral()
	if err != nil {
		return err
	}
	l, err := a.b.Acquire(r.Context(), a.resolve(r.Context(), body.Model))
	if err != nil {
		return err
	}
	defer l.Release()
	settle(q.req, l)
	ids, err := l.Prompt(q.req)
	if err != nil {
		return err
	}
	return server.WriteJSON(w, http.StatusOK, countAnswer{len(ids)})
}
