package obs

import (
	"encoding/json"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
)

// everything returns the names of all metrics, as a scrape shows them.
func everything(t *testing.T) map[string]bool {
	t.Helper()
	m := New(Source{Models: func() []library.Info { return []library.Info{{Name: "m"}} }, InFlight: func() int { return 0 }}, "v", "k")
	e := m.Engine("m")
	e.Step(engine.StepInfo{Decode: 1, Took: time.Second})
	e.Finished(engine.Result{PromptTokens: 1, Tokens: 2})
	m.HTTP("x", 200, time.Second)
	m.Refused("x")
	m.Key("x", 1, 1, 1)
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	out := map[string]bool{}
	for _, line := range regexp.MustCompile(`(?m)^[a-z0-9_]+`).FindAllString(w.Body.String(), -1) {
		out[line] = true
	}
	return out
}

// TestDashboard checks that docs/grafana.json shows metrics that there are, and
// all of our own.
func TestDashboard(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(golden.ModuleRoot(t), "docs/grafana.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(b) {
		t.Fatal("docs/grafana.json is no JSON")
	}
	have := everything(t)
	shown := map[string]bool{}
	for _, name := range regexp.MustCompile(`\b(holdfast|process|go)_[a-z0-9_]+`).FindAllString(string(b), -1) {
		shown[name] = true
		if !have[name] {
			t.Errorf("the dashboard shows %s, which there is not", name)
		}
	}
	for name := range have {
		stem := name
		for _, end := range []string{"_bucket", "_sum", "_count"} {
			stem = strings.TrimSuffix(stem, end)
		}
		if strings.HasPrefix(name, namespace+"_") && !shown[stem] && !shown[stem+"_bucket"] && !shown[stem+"_sum"] {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
}
