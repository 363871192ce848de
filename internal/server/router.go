package server

import (
	"errors"
	"net/http"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/server/apierr"
)

// A Handler answers a request, or returns an error. Once something was written
// it must deal with its errors itself and return nil, or what is to be logged.
type Handler func(w http.ResponseWriter, r *http.Request) error

// An API is one dialect: its addresses and the shape of its errors.
type API interface {
	// Register adds the handlers.
	Register(r *Router)
	// WriteError answers with an error in the API's shape. The status and
	// headers such as Retry-After are set by SetHeaders.
	WriteError(w http.ResponseWriter, r *http.Request, e *apierr.Error)
}

// A Router knows which handler and which API an address belongs to.
type Router struct {
	mux    *http.ServeMux
	routes map[string]*route // by pattern
	zones  []zone
	api    API // whose Register runs
}

// A route is one pattern; several APIs may share it, told apart by a test.
type route struct {
	choices []choice
}

type choice struct {
	api    API
	when   func(*http.Request) bool // nil is always
	handle Handler
	open   bool
}

// A zone gives addresses without a handler to an API, by prefix.
type zone struct {
	prefix string
	api    API
}

// NewRouter registers APIs. The first one answers for addresses that no other
// claims by Zone.
func NewRouter(apis ...API) *Router {
	rt := &Router{mux: http.NewServeMux(), routes: map[string]*route{}}
	for _, a := range apis {
		rt.api = a
		a.Register(rt)
		rt.Zone("/")
	}
	rt.api = nil
	return rt
}

// Zone lets the API that registers answer errors of addresses that begin with
// prefix. The longest prefix counts, and of equal ones the first.
func (rt *Router) Zone(prefix string) { rt.zones = append(rt.zones, zone{prefix, rt.api}) }

// Handle adds a handler for a pattern such as "POST /v1/chat/completions".
func (rt *Router) Handle(pattern string, h Handler) { rt.add(pattern, choice{handle: h}) }

// HandleWhen is Handle for a pattern that several APIs share: the handler is
// used for requests that pass the test. Tests are tried in the order of
// registration; a handler without one is the last resort.
func (rt *Router) HandleWhen(pattern string, when func(*http.Request) bool, h Handler) {
	rt.add(pattern, choice{handle: h, when: when})
}

// HandleOpen is Handle for addresses that need no key, such as health checks.
func (rt *Router) HandleOpen(pattern string, h Handler) {
	rt.add(pattern, choice{handle: h, open: true})
}

func (rt *Router) add(pattern string, c choice) {
	c.api = rt.api
	e := rt.routes[pattern]
	if e == nil {
		e = &route{}
		rt.routes[pattern] = e
		rt.mux.HandleFunc(pattern, func(http.ResponseWriter, *http.Request) {})
	}
	e.choices = append(e.choices, c)
}

// find returns the handler of a request, or the error that there is none, and
// the API that is to speak in either case. It also sets the request's path
// values.
func (rt *Router) find(r *http.Request) (choice, *apierr.Error) {
	h, pattern := rt.mux.Handler(r)
	if e := rt.routes[pattern]; e != nil {
		// Handler does not set path values; serving does.
		rt.mux.ServeHTTP(discard{}, r)
		var last *choice
		for i := range e.choices {
			switch c := &e.choices[i]; {
			case c.when == nil && last == nil:
				last = c
			case c.when != nil && c.when(r):
				return *c, nil
			}
		}
		if last != nil {
			return *last, nil
		}
	}
	api := rt.zone(r.URL.Path)
	return choice{api: api}, missing(h, r)
}

// missing says whether the address or only its method is unknown: the mux
// answers an address that has other methods with 405.
func missing(h http.Handler, r *http.Request) *apierr.Error {
	d := discard{h: http.Header{}, status: new(int)}
	h.ServeHTTP(d, r)
	if *d.status == http.StatusMethodNotAllowed {
		return apierr.New(apierr.MethodNotAllowed, "%s is not allowed here; use %s", r.Method, d.h.Get("Allow"))
	}
	return apierr.New(apierr.NotFound, "there is nothing at %s %.200s", r.Method, r.URL.Path)
}

func (rt *Router) zone(path string) API {
	var best *zone
	for i := range rt.zones {
		z := &rt.zones[i]
		if strings.HasPrefix(path, z.prefix) && (best == nil || len(z.prefix) > len(best.prefix)) {
			best = z
		}
	}
	if best == nil {
		return nil
	}
	return best.api
}

// discard is a ResponseWriter that keeps the header and the status.
type discard struct {
	h      http.Header
	status *int
}

func (d discard) Header() http.Header {
	if d.h == nil {
		return http.Header{}
	}
	return d.h
}

func (d discard) Write(p []byte) (int, error) { return len(p), nil }

func (d discard) WriteHeader(status int) {
	if d.status != nil {
		*d.status = status
	}
}

// serve runs a choice and writes its error.
func (rt *Router) serve(w http.ResponseWriter, r *http.Request, c choice) error {
	err := c.handle(w, r)
	if err == nil {
		return nil
	}
	if rec, ok := w.(*recorder); ok && rec.status != 0 {
		return err // an answer has begun: there is only the log left
	}
	writeError(c.api, w, r, apierr.From(err))
	return err
}

// writeError lets an API write an error. Nobody reads one that has left.
func writeError(api API, w http.ResponseWriter, r *http.Request, e *apierr.Error) {
	var gone *apierr.Error
	if errors.As(e, &gone) && gone.Kind == apierr.ClientGone && r.Context().Err() != nil {
		w.WriteHeader(gone.Status())
		return
	}
	if api == nil {
		http.Error(w, e.Message, e.Status())
		return
	}
	api.WriteError(w, r, e)
}
