package openai

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/servertest"
)

// A site is a server with one API on fake models.
type site struct {
	*httptest.Server
	models *library.Manager
}

// serve starts a site whose clock stands still and whose ids count.
func serve(t *testing.T, models map[string]*servertest.Model, o Options, lo library.Options) *site {
	t.Helper()
	m := servertest.Manager(t, golden.ModuleRoot(t), models, lo)
	var n atomic.Int64
	o.Now = func() time.Time { return time.Unix(1_700_000_000, 0) }
	o.NewID = func() string { return fmt.Sprintf("id%d", n.Add(1)) }
	s, err := server.New(server.Config{Listen: "127.0.0.1:0"}, New(m, o))
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return &site{h, m}
}

// one starts a site with the model "fake".
func one(t *testing.T, m *servertest.Model) *site {
	t.Helper()
	return with(t, m, Options{})
}

// with is one with options.
func with(t *testing.T, m *servertest.Model, o Options) *site {
	t.Helper()
	return serve(t, map[string]*servertest.Model{"fake": m}, o, library.Options{})
}

// get returns an answer with its status.
func (s *site) get(t *testing.T, path string) (int, string) {
	t.Helper()
	resp, err := http.Get(s.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// post sends a body and returns the answer with its status.
func (s *site) post(t *testing.T, path, body string) (int, string) {
	t.Helper()
	return servertest.Post(t, s.URL+path, body)
}
