package anthropic

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/platform/store"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/openai"
	"github.com/holdfast-llm/holdfast/internal/server/servertest"
)

// A site is a server with this API, and OpenAI's, on fake models.
type site struct {
	*httptest.Server
	models *library.Manager
}

// serve starts a site whose ids count.
func serve(t *testing.T, models map[string]*servertest.Model, o Options, lo library.Options) *site {
	t.Helper()
	m := servertest.Manager(t, golden.ModuleRoot(t), models, lo)
	var n atomic.Int64
	o.NewID = func() string { return fmt.Sprintf("id%d", n.Add(1)) }
	s, err := server.New(server.Config{Listen: "127.0.0.1:0"}, openai.New(m, openai.Options{}), New(m, o))
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
	return serve(t, map[string]*servertest.Model{"fake": m}, Options{}, library.Options{})
}

// heading is an answer's status and header.
type heading struct {
	status int
	header http.Header
}

// ask sends a request with headers given as "Name: value", as the SDKs do.
func (s *site) ask(t *testing.T, method, path, body string, headers ...string) (heading, string) {
	t.Helper()
	req, err := http.NewRequest(method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range append([]string{"Anthropic-Version: 2023-06-01", "X-Request-Id: req_1"}, headers...) {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return heading{resp.StatusCode, resp.Header}, string(b)
}

func (s *site) post(t *testing.T, path, body string) (int, string) {
	t.Helper()
	h, got := s.ask(t, http.MethodPost, path, body)
	return h.status, got
}

// limited returns a server for a key with limits.
func limited(t *testing.T, m *library.Manager, o Options, l store.Limits) (s *server.Server, key string) {
	t.Helper()
	st, err := store.Open(filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { st.Close() })
	if _, key, err = st.AddKey(t.Context(), "ann", time.Time{}, l); err != nil {
		t.Fatal(err)
	}
	b := server.Guard(m)
	s, err = server.New(server.Config{Listen: "127.0.0.1:11435", Auth: server.NewKeys(st, server.Closed{})}, openai.New(b, openai.Options{}), New(b, o))
	if err != nil {
		t.Fatal(err)
	}
	return s, key
}

// newRecorder answers a request with a key.
func newRecorder(h http.Handler, path, key, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Host = "127.0.0.1:11435"
	r.Header.Set("X-Api-Key", key)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// event is any event of a stream.
type event struct {
	Type    string
	Index   int
	Message answer
	Block   json.RawMessage `json:"content_block"`
	Delta   struct {
		Type, Text, Thinking, Signature string
		Input                           string  `json:"partial_json"`
		StopReason                      *string `json:"stop_reason"`
		StopSequence                    *string `json:"stop_sequence"`
	}
	Usage usage
	Error errorObject
}

// events reads a stream, and checks that names and types agree.
func events(t *testing.T, body string) []event {
	t.Helper()
	var out []event
	name := ""
	for line := range strings.SplitSeq(body, "\n") {
		if n, ok := strings.CutPrefix(line, "event: "); ok {
			name = n
		}
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		var e event
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		if e.Type != name {
			t.Errorf("an event named %q has the type %q", name, e.Type)
		}
		out = append(out, e)
	}
	return out
}
