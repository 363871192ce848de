package ollama

import (
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server/servertest"
)

// TestDocs runs the curl commands of the documentation, and compares its lists of
// options with the code's.
func TestDocs(t *testing.T) {
	m := &servertest.Model{Answer: "ok"}
	s := serve(t, map[string]*servertest.Model{"starter": m}, Options{}, library.Options{})
	doc := servertest.Docs(t, "ollama.md", 4, m, func(path, body string) (int, string) { return s.post(t, path, body) })
	for _, name := range optionFields.Ignored {
		if !strings.Contains(doc, "`"+name+"`") {
			t.Errorf("the option %s is not documented", name)
		}
	}
}
