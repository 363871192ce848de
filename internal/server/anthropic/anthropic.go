// Package anthropic speaks Anthropic's Messages API: messages, counts of tokens,
// and models, at /v1 and at /anthropic/v1.
//
// A request becomes a chat.Request, and the chat.Events of its answer become
// content blocks: thinking, text and tool_use. Both the stream and the whole
// answer come from the same sorting into blocks; see block.
//
// What a client asks for and cannot get is an error that names it; see package
// decode. The shapes are those of the official SDKs' types.
package anthropic

import (
	"net/http"
	"time"

	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/sse"
)

// Options of the API. The zero value serves.
type Options struct {
	// Heartbeat is how long a stream may be silent before a ping; 0 is the
	// default of sse. Clients complain after 15 to 20 seconds.
	Heartbeat time.Duration
	// WriteTimeout is how long a client may take to read; 0 is the default of sse.
	WriteTimeout time.Duration
	// Default is the model that claude-* stands for, unless a model of that name,
	// or one of DeepSeek's (see API.resolve), is served. "" is the first of the
	// list that can chat.
	Default string
	// NewID makes the random part of an id; nil is random.
	NewID func() string
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// An API is Anthropic's dialect on a backend.
type API struct {
	b server.Backend
	o Options
}

// New returns the API. It shares /v1/models with others: requests that carry
// anthropic-version or x-api-key are answered here.
func New(b server.Backend, o Options) *API {
	if o.NewID == nil {
		o.NewID = randomID
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &API{b: b, o: o}
}

// Register adds the endpoints. SDKs put /v1 behind whatever base address they
// are given, so that both the server's root and /anthropic work as one.
func (a *API) Register(r *server.Router) {
	r.Zone("/v1/messages")
	r.Zone("/anthropic/")
	for _, base := range []string{"", "/anthropic"} {
		r.Handle("POST "+base+"/v1/messages", identified(a.messages))
		r.Handle("POST "+base+"/v1/messages/count_tokens", identified(a.countTokens))
	}
	r.Handle("GET /anthropic/v1/models", identified(a.models))
	r.Handle("GET /anthropic/v1/models/{id...}", identified(a.model))
	r.HandleWhen("GET /v1/models", speaksAnthropic, identified(a.models))
	r.HandleWhen("GET /v1/models/{id...}", speaksAnthropic, identified(a.model))
}

// speaksAnthropic reports whether a request is from a client of this API.
func speaksAnthropic(r *http.Request) bool {
	return r.Header.Get("Anthropic-Version") != "" || r.Header.Get("X-Api-Key") != ""
}

// identified adds the request's id under the name that this API's clients know.
func identified(h server.Handler) server.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		identify(w)
		return h(w, r)
	}
}

// identify copies the id that the server gave the request, and returns it.
func identify(w http.ResponseWriter) string {
	id := w.Header().Get(server.RequestIDHeader)
	if id != "" {
		w.Header().Set("Request-Id", id)
	}
	return id
}

// ping is the event that this API has for heartbeats. Clients' watchdogs count
// events, not comments.
type ping struct {
	Type string `json:"type"`
}

// streaming runs f on a stream whose pings begin at once, so that a client waits
// in peace while a model loads. An error of f has a status of its own as long as
// nothing was sent; afterwards it is the stream's last event.
func (a *API) streaming(w http.ResponseWriter, f func(s *sse.Writer) error) error {
	s := sse.New(w, sse.Options{
		Heartbeat: a.o.Heartbeat, Timeout: a.o.WriteTimeout,
		Beat: func(buf []byte, _ bool) []byte { return sse.AppendEvent(buf, "ping", ping{"ping"}) },
	})
	defer s.Close()
	err := f(s)
	if err != nil && s.Started() {
		_ = s.Event("error", errorOf(err, w.Header().Get(server.RequestIDHeader))) // a client that has gone misses it
	}
	return err
}
