package deepseek

import (
	"errors"
	"net/http"

	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/text/chat/dialect/deepseekapi"
)

// errorBody is the shape of DeepSeek's errors.
type errorBody struct {
	Error errorObject `json:"error"`
}

type errorObject struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    string  `json:"code"`
}

// The class and the code of nearly all of DeepSeek's errors.
const invalid = "invalid_request_error"

// known are the errors whose words DeepSeek's clients know. The documented
// statuses are 400, 401, 402, 422, 429, 500 and 503.
var known = map[apierr.Kind]struct {
	status       int
	typ, message string // "" keeps ours
}{
	apierr.Unauthorized:     {http.StatusUnauthorized, "authentication_error", "Authentication Fails: "},
	apierr.QuotaExceeded:    {http.StatusPaymentRequired, "unknown_error", "Insufficient Balance: "},
	apierr.ModelNotFound:    {http.StatusBadRequest, invalid, "Model Not Exist: "},
	apierr.InvalidValue:     {http.StatusUnprocessableEntity, invalid, ""},
	apierr.MissingField:     {http.StatusUnprocessableEntity, invalid, ""},
	apierr.UnknownField:     {http.StatusUnprocessableEntity, invalid, ""},
	apierr.UnsupportedField: {http.StatusBadRequest, invalid, ""},
	apierr.Overloaded:       {http.StatusTooManyRequests, "rate_limit_error", "Rate limit reached: "},
	apierr.RateLimited:      {http.StatusTooManyRequests, "rate_limit_error", "Rate limit reached: "},
	apierr.ModelFailed:      {http.StatusInternalServerError, "server_error", ""},
	apierr.NotImplemented:   {http.StatusBadRequest, invalid, ""},
	apierr.Timeout:          {http.StatusServiceUnavailable, "service_unavailable_error", "Server overloaded: "},
	apierr.ShuttingDown:     {http.StatusServiceUnavailable, "service_unavailable_error", "Server overloaded: "},
}

// errorOf returns an error's status and body.
func errorOf(err error) (int, errorBody) {
	if d, ok := errors.AsType[*deepseekapi.Error](err); ok {
		return d.Status, errorBody{errorObject{d.Message, d.Type, d.Param, d.Code}}
	}
	e := apierr.From(err)
	o := errorObject{Message: e.Message, Type: e.Type(), Code: invalid}
	status := e.Status()
	if k, ok := known[e.Kind]; ok {
		status, o.Type, o.Message = k.status, k.typ, k.message+e.Message
	}
	if e.Param != "" {
		o.Param = &e.Param
	}
	if e.Kind == apierr.ContextExceeded {
		o.Code = e.Code() // what agents look for before they shorten a conversation
	}
	return status, errorBody{o}
}

// WriteError answers with an error.
func (a *API) WriteError(w http.ResponseWriter, _ *http.Request, e *apierr.Error) { a.writeError(w, e) }

func (a *API) writeError(w http.ResponseWriter, err error) {
	server.SetHeaders(w.Header(), apierr.From(err))
	status, body := errorOf(err)
	_ = server.WriteJSON(w, status, body) // whoever cannot read an error has gone
}

// wrap makes an error of DeepSeek's rules one that the server can log.
func wrap(e *deepseekapi.Error) error {
	return apierr.New(apierr.InvalidRequest, "%s", e.Message).Because(e)
}

// malformed is DeepSeek's error for a body of the wrong shape.
func malformed(message string) error {
	const text = "Failed to deserialize the JSON body into the target type: "
	return wrap(&deepseekapi.Error{Status: http.StatusUnprocessableEntity, Message: text + message, Type: invalid, Code: invalid})
}
