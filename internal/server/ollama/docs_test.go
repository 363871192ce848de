package ollama

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server/servertest"
)

// curl finds the address and the body of the documentation's curl commands.
var curl = regexp.MustCompile(`curl http://127\.0\.0\.1:11435(\S+) -d '([^']+)'`)

// TestDocs runs the curl commands of the documentation, and compares its lists of
// options with the code's.
func TestDocs(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join(golden.ModuleRoot(t), "docs/clients/ollama.md"))
	if err != nil {
		t.Fatal(err)
	}
	m := &servertest.Model{Answer: "ok"}
	s := serve(t, map[string]*servertest.Model{"starter": m}, Options{}, library.Options{})
	found := curl.FindAllStringSubmatch(string(doc), -1)
	if len(found) != 4 {
		t.Errorf("%d commands were found", len(found))
	}
	for _, c := range found {
		m.Next()
		if status, got := s.post(t, c[1], c[2]); status != http.StatusOK {
			t.Errorf("%s: %d %s", c[1], status, got)
		}
	}
	for _, name := range optionFields.Ignored {
		if !strings.Contains(string(doc), "`"+name+"`") {
			t.Errorf("the option %s is not documented", name)
		}
	}
}
