package openapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/admin"
	"github.com/holdfast-llm/holdfast/internal/server/anthropic"
	"github.com/holdfast-llm/holdfast/internal/server/deepseek"
	"github.com/holdfast-llm/holdfast/internal/server/ollama"
	"github.com/holdfast-llm/holdfast/internal/server/openai"
	"github.com/holdfast-llm/holdfast/internal/server/servertest"
)

// A site is a server that speaks all dialects, on models that say what they are
// told: one that talks, one that thinks, one that calls functions.
type site struct {
	*httptest.Server
	models map[string]*servertest.Model
}

func apis(m *library.Manager) []server.API {
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "up 1\n") })
	return []server.API{
		openai.New(m, openai.Options{}), anthropic.New(m, anthropic.Options{}), deepseek.New(m, deepseek.Options{}),
		ollama.New(m, ollama.Options{Library: m, Version: "0"}), admin.New(admin.Options{Backend: m, Metrics: metrics, Version: "0"}),
	}
}

func start(t *testing.T) *site {
	t.Helper()
	models := map[string]*servertest.Model{
		"fake": {Answer: "It is salty."}, "think": {Template: servertest.Thinking, Answer: "Rivers.</think>It is salty."},
		"call": {Template: servertest.Tools, Answer: servertest.Calls("f", `{"x":1}`)},
	}
	m := servertest.Manager(t, golden.ModuleRoot(t), models, library.Options{Dir: t.TempDir()})
	s, err := server.New(server.Config{Listen: "127.0.0.1:0"}, apis(m)...)
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return &site{Server: h, models: models}
}

// An answer is one as it came.
type answer struct {
	status int
	typ    string // without parameters
	body   string
}

// send sends a request; headers are pairs.
func (s *site) send(t *testing.T, method, path, body string, headers ...string) answer {
	t.Helper()
	for _, m := range s.models {
		m.Next()
	}
	r, err := http.NewRequestWithContext(t.Context(), strings.ToUpper(method), s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	typ, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	return answer{resp.StatusCode, typ, string(b)}
}
