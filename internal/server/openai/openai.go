// Package openai speaks OpenAI's API: chat completions, completions, responses,
// models, and counts of tokens.
//
// Each file has one endpoint: its wire types, how they become a chat.Request,
// and how chat.Events become its answer. The adapter decides nothing about the
// answer itself. What a client asks for and cannot get is an error that names
// it; see package decode.
package openai

import (
	"net/http"
	"time"

	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/sse"
)

// Options of the API.
type Options struct {
	// Heartbeat is how long a stream may be silent; 0 is the default of sse.
	Heartbeat time.Duration
	// WriteTimeout is how long a client may take to read; 0 is the default of sse.
	WriteTimeout time.Duration
	// Store keeps responses for previous_response_id; nil is a store in memory.
	Store Store
	// Delegate, if not nil, returns the handler for a model of another dialect,
	// which writes its own errors; path is the address without /v1. See
	// deepseek.API.Delegate.
	Delegate func(path, model string) (server.Handler, bool)
	// Stateless is how DeepSeek has the responses API: nothing is stored, and each
	// user has a prefix cache of their own.
	Stateless bool
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// NewID makes the random part of an id; nil is random.
	NewID func() string
}

// An API is OpenAI's dialect on a backend.
type API struct {
	b server.Backend
	o Options
}

// New returns the API.
func New(b server.Backend, o Options) *API {
	if o.Store == nil {
		o.Store = NewMemoryStore(1000, 64<<20)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewID == nil {
		o.NewID = randomID
	}
	return &API{b: b, o: o}
}

// Register adds the endpoints.
func (a *API) Register(r *server.Router) {
	r.Zone("/v1/")
	r.Handle("POST /v1/chat/completions", a.chat)
	r.Handle("POST /v1/chat/completions/input_tokens", a.chatCount)
	r.Handle("POST /v1/completions", a.completions)
	r.Handle("POST /v1/responses", a.Responses)
	r.Handle("POST /v1/responses/input_tokens", a.responsesCount)
	r.Handle("GET /v1/responses/{id}", a.getResponse)
	r.Handle("DELETE /v1/responses/{id}", a.deleteResponse)
	r.Handle("GET /v1/responses/{id}/input_items", a.inputItems)
	r.Handle("POST /v1/responses/{id}/cancel", a.cancelResponse)
	r.Handle("GET /v1/models", a.models)
	r.Handle("GET /v1/models/{id...}", a.model)
	r.Handle("POST /v1/embeddings", a.embeddings)
	r.Handle("POST /tokenize", a.tokenize)
	r.Handle("POST /detokenize", a.detokenize)
}

// errorBody is the shape of OpenAI's errors.
type errorBody struct {
	Error errorObject `json:"error"`
}

type errorObject struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}

func errorOf(e *apierr.Error) errorBody {
	o := errorObject{Message: e.Message, Type: e.Type()}
	if e.Param != "" {
		o.Param = &e.Param
	}
	code := e.Code()
	o.Code = &code
	return errorBody{Error: o}
}

// WriteError answers with an error.
func (a *API) WriteError(w http.ResponseWriter, _ *http.Request, e *apierr.Error) {
	server.SetHeaders(w.Header(), e)
	_ = server.WriteJSON(w, e.Status(), errorOf(e)) // whoever cannot read an error has gone
}

// streaming runs f on a stream whose heartbeats begin at once, so that a client
// waits in peace while a model loads. An error of f has a status of its own as
// long as nothing was sent; afterwards it is the stream's last event.
func (a *API) streaming(w http.ResponseWriter, f func(s *sse.Writer) error) error {
	s := sse.New(w, sse.Options{Heartbeat: a.o.Heartbeat, Timeout: a.o.WriteTimeout})
	defer s.Close()
	err := f(s)
	if err != nil && s.Started() {
		_ = s.Event("", errorOf(apierr.From(err))) // a client that has gone misses it
	}
	return err
}

// begun sends the header of a stream whose request was accepted, so that the
// client knows; the first token may be far.
func begun(s *sse.Writer, l *library.Lease) error {
	s.Header(func(h http.Header) { server.Announce(h, l) })
	return s.Open()
}
