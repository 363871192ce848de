package deepseek

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
var curl = regexp.MustCompile(`(?s)curl http://127\.0\.0\.1:11435(\S+) -H '[^']*' \\\n  -d '([^']+)'`)

// TestDocs runs the curl commands of the documentation.
func TestDocs(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join(golden.ModuleRoot(t), "docs/clients/deepseek.md"))
	if err != nil {
		t.Fatal(err)
	}
	m := &servertest.Model{Answer: "ok"}
	s := serve(t, map[string]*servertest.Model{"starter": m}, Options{}, library.Options{})
	found := curl.FindAllStringSubmatch(string(doc), -1)
	if len(found) != 3 {
		t.Errorf("%d commands were found", len(found))
	}
	for _, c := range found {
		m.Next()
		if status, got := s.post(t, c[1], c[2]); status != http.StatusOK {
			t.Errorf("%s: %d %s", c[1], status, got)
		}
	}
}

// TestHarness sends what DeepSeek Harness sends: more tokens than there is room
// for, reasoning passed back, calls beside an empty text.
func TestHarness(t *testing.T) {
	s := one(t, &servertest.Model{Template: servertest.Tools, Answer: "</think>ok"})
	status, got := s.post(t, "/chat/completions", `{
		"model": "deepseek-v4-flash", "stream": true, "stream_options": {"include_usage": true}, "max_tokens": 256000,
		"thinking": {"type": "enabled"}, "reasoning_effort": "max", "user_id": "a-b_1",
		"messages": [
			{"role": "system", "content": "You write programs."},
			{"role": "user", "content": [{"type": "text", "text": "List the files."}]},
			{"role": "assistant", "content": "", "reasoning_content": "I look.", "tool_calls": [{"index": 0, "id": "call_00_x", "type": "function", "function": {"name": "bash", "arguments": "{\"command\": \"ls\"}"}}]},
			{"role": "tool", "tool_call_id": "call_00_x", "content": "a.go"}
		],
		"tools": [{"type": "function", "function": {"name": "bash", "description": "Runs a command.", "parameters": {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}}}],
		"tool_choice": "auto"
	}`)
	if status != http.StatusOK || !strings.Contains(got, `"finish_reason":"stop"`) || !strings.HasSuffix(got, "data: [DONE]\n\n") {
		t.Errorf("%d %s", status, got)
	}
}
