// Package ollama speaks Ollama's native API, /api/*, so that programs made for
// it work here when only their address changes: generate, chat, tags, show, ps,
// pull, create, copy, delete, embed, version.
//
// Streams are lines of JSON. Where Ollama would silently do something else than
// it was asked for, there is an error here: a prompt that is too long is never
// cut, an option that is not known is named. docs/clients/ollama.md lists the
// differences.
package ollama

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/platform/pull"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
	"github.com/holdfast-llm/holdfast/internal/server/sse"
)

// SpokenVersion is the version of Ollama whose API this is. Programs compare it
// with the oldest one that they can use.
const SpokenVersion = "0.17.1"

// Options of the API.
type Options struct {
	// Library changes the list of models; nil refuses create, copy and delete.
	Library Library
	// Puller downloads models; nil refuses pull.
	Puller Puller
	// MayManage says whether the holder of a key may change which models there
	// are; nil lets none. Where no key is needed everybody may.
	MayManage func(server.Principal) bool
	// Version is the server's own, for /api/version.
	Version string
	// Heartbeat is how long a stream may be silent; 0 is the default of sse.
	Heartbeat time.Duration
	// WriteTimeout is how long a client may take to read; 0 is the default of sse.
	WriteTimeout time.Duration
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// NewCallID makes the ids of calls that a model left unnamed; nil is
	// llm.CallID.
	NewCallID func(index int) string
}

// A Library is a list of models that can be changed: a library.Manager.
type Library interface {
	Create(r library.Recipe) error
	Copy(from, to string) error
	Remove(name string) error
}

// A Puller downloads a model by name and tells how far it is: a pull.Client.
type Puller interface {
	Pull(ctx context.Context, name string, progress func(pull.Progress)) (*pull.Result, error)
}

var _ Library = (*library.Manager)(nil)

// An API is Ollama's dialect on a backend.
type API struct {
	b server.Backend
	o Options
}

// New returns the API.
func New(b server.Backend, o Options) *API {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewCallID == nil {
		o.NewCallID = llm.CallID
	}
	return &API{b: b, o: o}
}

// Register adds the endpoints.
func (a *API) Register(r *server.Router) {
	r.Zone("/api/")
	r.Handle("POST /api/generate", a.generate)
	r.Handle("POST /api/chat", a.chat)
	r.Handle("POST /api/embed", a.embed)
	r.Handle("POST /api/embeddings", a.embeddings)
	r.Handle("GET /api/tags", a.tags)
	r.Handle("GET /api/ps", a.ps)
	r.Handle("POST /api/show", a.show)
	r.Handle("GET /api/version", a.version)
	r.Handle("POST /api/pull", server.Managing(a.pull))
	r.Handle("POST /api/create", server.Managing(a.create))
	r.Handle("POST /api/copy", server.Managing(a.copy))
	r.Handle("DELETE /api/delete", server.Managing(a.remove))
	for _, p := range []string{"/api/push", "/api/blobs/{digest}", "/api/me", "/api/signout"} {
		r.Handle("POST "+p, absent)
	}
	r.HandleWhen("GET /{$}", notForBrowsers, a.root)
}

// absent answers for what only makes sense with Ollama's own service.
func absent(_ http.ResponseWriter, r *http.Request) error {
	return apierr.New(apierr.NotImplemented, "%s is not offered here: models do not leave this machine, and there is no account", r.URL.Path)
}

// notForBrowsers tells programs that look for Ollama from people who look for a page.
func notForBrowsers(r *http.Request) bool {
	return !strings.Contains(r.Header.Get("Accept"), "text/html")
}

// root answers programs that ask whether somebody is there. HEAD comes here too.
func (a *API) root(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, err := w.Write([]byte("Ollama is running"))
	return err
}

func (a *API) version(w http.ResponseWriter, _ *http.Request) error {
	return server.WriteJSON(w, http.StatusOK, map[string]string{"version": SpokenVersion, "server": "holdfast " + a.o.Version})
}

// errorBody is the shape of errors, with one field more than Ollama's.
type errorBody struct {
	Error string `json:"error"`
	Code  string `json:"code"`
}

func errorOf(err error) errorBody {
	e := apierr.From(err)
	return errorBody{Error: e.Message, Code: e.Code()}
}

// WriteError answers with an error.
func (a *API) WriteError(w http.ResponseWriter, _ *http.Request, e *apierr.Error) {
	server.SetHeaders(w.Header(), e)
	_ = server.WriteJSON(w, e.Status(), errorOf(e)) // whoever cannot read an error has gone
}

// streaming runs f on a stream of lines, or on one that carries a single object.
// idle makes the line that is sent while there is nothing to say: one that says
// nothing. A single object is preceded by spaces instead, which no JSON parser
// minds. An error has a status of its own as long as nothing was sent.
func (a *API) streaming(w http.ResponseWriter, lines bool, idle func() any, f func(s *sse.Writer) error) error {
	o := sse.Options{Lines: true, Heartbeat: a.o.Heartbeat, Timeout: a.o.WriteTimeout}
	if lines {
		o.Beat = func(buf []byte, _ bool) []byte {
			b, err := server.Marshal(idle())
			if err != nil {
				return buf
			}
			return append(append(buf, b...), '\n')
		}
	} else {
		o.ContentType = "application/json"
		o.Beat = func(buf []byte, _ bool) []byte { return append(buf, ' ') }
	}
	s := sse.New(w, o)
	defer s.Close()
	err := f(s)
	if err != nil && s.Started() {
		_ = s.Event("", errorOf(err)) // a client that has gone misses it
	}
	return err
}

// stamp is a time as Ollama writes it.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
