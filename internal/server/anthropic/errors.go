package anthropic

import (
	"fmt"
	"net/http"

	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
)

// errorBody is the shape of the API's errors, as an answer and as an event.
type errorBody struct {
	Type      string      `json:"type"`
	Error     errorObject `json:"error"`
	RequestID string      `json:"request_id,omitempty"`
}

type errorObject struct {
	Type    string       `json:"type"`
	Message string       `json:"message"`
	Details errorDetails `json:"details"`
}

// errorDetails have the word that programs compare: the SDKs show it as
// error_code. The field at fault is ours.
type errorDetails struct {
	Code  string `json:"error_code"`
	Param string `json:"param,omitempty"`
}

// statusOverloaded is this API's own status for a server that has too much to
// do; 429 is for a client that asks too often.
const statusOverloaded = 529

// classes are the statuses and types that this API has for kinds of errors. What
// is not listed is an invalid_request_error with the table's status.
var classes = map[apierr.Kind]struct {
	status int
	typ    string
}{
	apierr.Internal:           {http.StatusInternalServerError, "api_error"},
	apierr.ModelFailed:        {http.StatusInternalServerError, "api_error"},
	apierr.TooLarge:           {http.StatusRequestEntityTooLarge, "request_too_large"},
	apierr.Unauthorized:       {http.StatusUnauthorized, "authentication_error"},
	apierr.Forbidden:          {http.StatusForbidden, "permission_error"},
	apierr.QuotaExceeded:      {http.StatusPaymentRequired, "billing_error"},
	apierr.NotFound:           {http.StatusNotFound, "not_found_error"},
	apierr.ModelNotFound:      {http.StatusNotFound, "not_found_error"},
	apierr.RateLimited:        {http.StatusTooManyRequests, "rate_limit_error"},
	apierr.Overloaded:         {statusOverloaded, "overloaded_error"},
	apierr.InsufficientMemory: {statusOverloaded, "overloaded_error"},
	apierr.ShuttingDown:       {statusOverloaded, "overloaded_error"},
	apierr.Timeout:            {http.StatusGatewayTimeout, "timeout_error"},
}

// classOf returns an error's status and type.
func classOf(e *apierr.Error) (status int, typ string) {
	if e.Kind == apierr.InsufficientMemory && e.RetryAfter == 0 {
		return http.StatusInternalServerError, "api_error" // it will never fit: asking again is no use
	}
	if c, ok := classes[e.Kind]; ok {
		return c.status, c.typ
	}
	return e.Status(), "invalid_request_error"
}

func errorOf(err error, requestID string) errorBody {
	e := apierr.From(err)
	_, typ := classOf(e)
	return errorBody{
		Type: "error", RequestID: requestID,
		Error: errorObject{Type: typ, Message: wordsOf(e), Details: errorDetails{Code: e.Code(), Param: e.Param}},
	}
}

// wordsOf returns an error's words. Agents find out from the first ones of a
// prompt that is too long that they have to shorten the conversation.
func wordsOf(e *apierr.Error) string {
	if e.Kind == apierr.ContextExceeded && e.PromptTokens > 0 {
		return fmt.Sprintf("prompt is too long: %d tokens > %d maximum (the context is %d tokens, and an answer needs at least one). Shorten the prompt; nothing was cut off.", e.PromptTokens, e.Context-1, e.Context)
	}
	return e.Message
}

// WriteError answers with an error.
func (a *API) WriteError(w http.ResponseWriter, _ *http.Request, e *apierr.Error) {
	id := identify(w)
	server.SetHeaders(w.Header(), e)
	status, _ := classOf(e)
	if e.Kind == apierr.InsufficientMemory && e.RetryAfter == 0 {
		w.Header().Set("X-Should-Retry", "false")
	}
	_ = server.WriteJSON(w, status, errorOf(e, id)) // whoever cannot read an error has gone
}

// wireNames are this API's names for fields of the neutral request.
var wireNames = map[string]string{"output": "output_config.format"}

// renamed puts this API's names, and the length of the queue, into an error.
func renamed(err error, queued int) error {
	e := apierr.From(err)
	if e.Kind == apierr.Overloaded {
		e.Queue = queued
	}
	if p, ok := wireNames[e.Param]; ok {
		e.Param = p
	}
	return e
}
