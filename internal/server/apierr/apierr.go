// Package apierr is the one table of what can go wrong with a request: a code,
// an HTTP status, a type and a text. Each API builds the shape that its clients
// know from it; what an error means is decided here.
//
// Handlers return any error. [From] finds its place in the table, so that
// a model that does not exist or a prompt that is too long is the same problem
// in every dialect.
package apierr

import (
	"fmt"
	"net/http"
	"time"
)

// A Kind is one row of the table.
type Kind uint8

// The kinds of errors.
const (
	Internal           Kind = iota // a mistake of ours
	InvalidJSON                    // the body is no JSON, or not in the expected form
	InvalidRequest                 // the request makes no sense
	InvalidValue                   // a value is out of its range, or of another type
	MissingField                   // a field that must be there is not
	UnknownField                   // a field that no documentation mentions
	UnsupportedField               // a field that exists, but not here
	UnsupportedValue               // a value that exists, but not here
	ContextExceeded                // the prompt does not fit into the context
	TooLarge                       // the body is longer than allowed
	Unauthorized                   // no key, or a wrong one
	Forbidden                      // Host or Origin are not ours
	QuotaExceeded                  // the key has used up what it may
	NotFound                       // no such address or object
	ModelNotFound                  // no such model
	MethodNotAllowed               // the address exists, with another method
	WrongContentType               // the body claims to be something else
	Overloaded                     // too many requests are waiting
	RateLimited                    // this key asks too often
	InsufficientMemory             // the model does not fit beside those in use
	ModelFailed                    // the model's file cannot be loaded
	NotImplemented                 // the model or this version cannot do it
	ShuttingDown                   // the server is about to end
	Timeout                        // it took too long
	ClientGone                     // nobody is there to read the answer
	kinds
)

// A row says what a kind means to clients.
type row struct {
	Code   string
	Status int
	Type   string
}

// statusClientGone is what nginx and others log when a client has left. It is
// never read by anybody.
const statusClientGone = 499

// Types of errors, as OpenAI's clients know them.
const (
	typeInvalid    = "invalid_request_error"
	typeAuth       = "authentication_error"
	typePermission = "permission_error"
	typeRate       = "rate_limit_error"
	typeServer     = "server_error"
)

var table = [kinds]row{
	Internal:           {"internal_error", http.StatusInternalServerError, typeServer},
	InvalidJSON:        {"invalid_json", http.StatusBadRequest, typeInvalid},
	InvalidRequest:     {"invalid_request", http.StatusBadRequest, typeInvalid},
	InvalidValue:       {"invalid_value", http.StatusBadRequest, typeInvalid},
	MissingField:       {"missing_required_parameter", http.StatusBadRequest, typeInvalid},
	UnknownField:       {"unknown_parameter", http.StatusBadRequest, typeInvalid},
	UnsupportedField:   {"unsupported_parameter", http.StatusBadRequest, typeInvalid},
	UnsupportedValue:   {"unsupported_value", http.StatusBadRequest, typeInvalid},
	ContextExceeded:    {"context_length_exceeded", http.StatusBadRequest, typeInvalid},
	TooLarge:           {"request_too_large", http.StatusRequestEntityTooLarge, typeInvalid},
	Unauthorized:       {"invalid_api_key", http.StatusUnauthorized, typeAuth},
	Forbidden:          {"forbidden", http.StatusForbidden, typePermission},
	QuotaExceeded:      {"insufficient_quota", http.StatusPaymentRequired, typeRate},
	NotFound:           {"not_found", http.StatusNotFound, typeInvalid},
	ModelNotFound:      {"model_not_found", http.StatusNotFound, typeInvalid},
	MethodNotAllowed:   {"method_not_allowed", http.StatusMethodNotAllowed, typeInvalid},
	WrongContentType:   {"unsupported_media_type", http.StatusUnsupportedMediaType, typeInvalid},
	Overloaded:         {"server_overloaded", http.StatusTooManyRequests, typeRate},
	RateLimited:        {"rate_limit_exceeded", http.StatusTooManyRequests, typeRate},
	InsufficientMemory: {"insufficient_memory", http.StatusServiceUnavailable, typeServer},
	ModelFailed:        {"model_failed", http.StatusInternalServerError, typeServer},
	NotImplemented:     {"not_implemented", http.StatusNotImplemented, typeInvalid},
	ShuttingDown:       {"shutting_down", http.StatusServiceUnavailable, typeServer},
	Timeout:            {"timeout", http.StatusGatewayTimeout, typeServer},
	ClientGone:         {"client_gone", statusClientGone, typeInvalid},
}

// An Error is a problem in the table with its words.
type Error struct {
	Kind    Kind
	Message string // for people; names the value and what was expected
	Param   string // the field at fault, such as "messages[2].role"; may be empty

	// RetryAfter says when to try again; 0 leaves it open.
	RetryAfter time.Duration
	// Queue is how many requests wait, for Overloaded.
	Queue int
	// PromptTokens and Context are the numbers of ContextExceeded.
	PromptTokens, Context int

	cause error // for the log, never for the client
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Unwrap returns what caused the error, if it is known.
func (e *Error) Unwrap() error { return e.cause }

// Code returns the word that programs compare.
func (e *Error) Code() string { return table[e.Kind].Code }

// Status returns the HTTP status.
func (e *Error) Status() int { return table[e.Kind].Status }

// Type returns OpenAI's class of the error.
func (e *Error) Type() string { return table[e.Kind].Type }

// New returns an error with words.
func New(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Message: fmt.Sprintf(format, args...)}
}

// At returns an error about a field.
func At(k Kind, param, format string, args ...any) *Error {
	return &Error{Kind: k, Param: param, Message: fmt.Sprintf(format, args...)}
}

// Because returns e with a cause for the log.
func (e *Error) Because(err error) *Error {
	e.cause = err
	return e
}

// Unsupported says that a known field cannot be had here, and what to do.
func Unsupported(param, why string) *Error {
	return At(UnsupportedField, param, "'%s' is not supported: %s", param, why)
}

// BadValue says that a field's value is not among what was expected.
func BadValue(param string, value any, expected string) *Error {
	if s, ok := value.(string); ok {
		value = fmt.Sprintf("%.100q", s)
	}
	return At(InvalidValue, param, "'%s' is %v, but must be %s", param, value, expected)
}

// Missing says that a field must be there.
func Missing(param string) *Error {
	return At(MissingField, param, "'%s' is missing", param)
}

// Codes lists the table for documentation: code, status and type of each kind.
func Codes(visit func(code string, status int, typ string)) {
	for _, r := range table {
		visit(r.Code, r.Status, r.Type)
	}
}
