// Package admin has what runs and watches a server need: health, metrics,
// which models are loaded, and, on a listener of its own only, profiles.
package admin

import (
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/apierr"
)

// Options of the API.
type Options struct {
	Backend  server.Backend
	Metrics  http.Handler // nil for none
	Draining func() bool
	Version  string
	// Profiles adds pprof, which shows command line and memory: never where
	// users can reach it.
	Profiles bool
}

// An API is the admin dialect.
type API struct{ o Options }

// New returns the API.
func New(o Options) *API { return &API{o} }

// Register adds the endpoints.
func (a *API) Register(r *server.Router) {
	r.HandleOpen("GET /healthz", a.healthy)
	r.HandleOpen("GET /readyz", a.ready)
	r.Handle("GET /version", a.version)
	r.Handle("GET /admin/models", a.models)
	if a.o.Metrics != nil {
		r.Handle("GET /metrics", a.serve(a.o.Metrics))
	}
	if a.o.Profiles {
		r.Handle("GET /debug/pprof/", a.serve(http.HandlerFunc(pprof.Index)))
		r.Handle("GET /debug/pprof/cmdline", a.serve(http.HandlerFunc(pprof.Cmdline)))
		r.Handle("GET /debug/pprof/profile", a.serve(http.HandlerFunc(pprof.Profile)))
		r.Handle("GET /debug/pprof/symbol", a.serve(http.HandlerFunc(pprof.Symbol)))
		r.Handle("GET /debug/pprof/trace", a.serve(http.HandlerFunc(pprof.Trace)))
	}
}

// WriteError answers with an error.
func (a *API) WriteError(w http.ResponseWriter, _ *http.Request, e *apierr.Error) {
	server.SetHeaders(w.Header(), e)
	_ = server.WriteJSON(w, e.Status(), map[string]string{"error": e.Message, "code": e.Code()}) // whoever cannot read an error has gone
}

func (a *API) serve(h http.Handler) server.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		h.ServeHTTP(w, r)
		return nil
	}
}

type status struct {
	Status string `json:"status"`
}

// healthy says that the process runs.
func (a *API) healthy(w http.ResponseWriter, _ *http.Request) error {
	return server.WriteJSON(w, http.StatusOK, status{"ok"})
}

// ready says whether new requests are welcome.
func (a *API) ready(w http.ResponseWriter, _ *http.Request) error {
	if a.o.Draining != nil && a.o.Draining() {
		return server.WriteJSON(w, http.StatusServiceUnavailable, status{"draining"})
	}
	return server.WriteJSON(w, http.StatusOK, status{"ok"})
}

func (a *API) version(w http.ResponseWriter, _ *http.Request) error {
	return server.WriteJSON(w, http.StatusOK, map[string]string{"version": a.o.Version})
}

// loaded is a model in memory.
type loaded struct {
	Name        string    `json:"name"`
	Context     int       `json:"context"`
	MemoryBytes int64     `json:"memory_bytes"`
	Since       time.Time `json:"since"`
	LoadSeconds float64   `json:"load_seconds"`
	Users       int       `json:"users"`
	Running     int       `json:"running"`
	Waiting     int       `json:"waiting"`
	Expires     *string   `json:"expires"` // null while in use, or forever
	// DiskProblem is why prompts are no longer kept on disk; left out while they are,
	// or never were.
	DiskProblem string `json:"disk_problem,omitempty"`
}

func (a *API) models(w http.ResponseWriter, _ *http.Request) error {
	out := []loaded{}
	for _, i := range a.o.Backend.Running() {
		l := loaded{
			Name: i.Name, Context: i.Context, MemoryBytes: i.Memory, Since: i.Since, LoadSeconds: i.Took.Seconds(),
			Users: i.Users, Running: i.Stats.Running, Waiting: i.Stats.Queued, DiskProblem: i.Stats.Disk.Problem,
		}
		if !i.Expires.IsZero() {
			t := i.Expires.Format(time.RFC3339)
			l.Expires = &t
		}
		out = append(out, l)
	}
	return server.WriteJSON(w, http.StatusOK, out)
}
