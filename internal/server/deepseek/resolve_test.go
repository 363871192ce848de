package deepseek

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/platform/store"
	"github.com/holdfast-llm/holdfast/internal/server"
	"github.com/holdfast-llm/holdfast/internal/server/servertest"
)

// TestNamesOfLimitedKeys checks that hosted names are a model that the key may use.
func TestNamesOfLimitedKeys(t *testing.T) {
	f := func(o Options, may []string, want int, model string) {
		t.Helper()
		st, err := store.Open(filepath.Join(t.TempDir(), "x.db"))
		if err != nil {
			t.Fatal(err)
		}
		defer st.Close()
		_, key, err := st.AddKey(t.Context(), "ann", time.Time{}, store.Limits{Models: may})
		if err != nil {
			t.Fatal(err)
		}
		b := server.Guard(servertest.Manager(t, golden.ModuleRoot(t), map[string]*servertest.Model{"a": {Answer: "I am a."}, "b": {Answer: "I am b."}}, library.Options{}))
		s, err := server.New(server.Config{Listen: "127.0.0.1:11435", Auth: server.NewKeys(st, server.Closed{})}, New(b, o))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/chat/completions", "/responses"} {
			body := `{"model":"deepseek-chat","temperature":0,"messages":[{"role":"user","content":"Hi"}]}`
			if path == "/responses" {
				body = `{"model":"deepseek-flash","temperature":0,"input":"Hi"}`
			}
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
			r.Host = "127.0.0.1:11435"
			r.Header.Set("Authorization", "Bearer "+key)
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != want || !strings.Contains(w.Body.String(), model) {
				t.Errorf("%s: a key for %q: %d %s", path, may, w.Code, w.Body)
			}
		}
	}
	f(Options{}, nil, 200, "I am a.")
	f(Options{}, []string{"b"}, 200, "I am b.")
	f(Options{Model: "a"}, []string{"b"}, 200, "I am b.")
	f(Options{Model: "b"}, nil, 200, "I am b.")
	f(Options{}, []string{"zzz"}, 403, "may not use the model")
	f(Options{Model: "b"}, []string{"zzz"}, 403, "may not use the model")
}
