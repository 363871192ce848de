package deepseek

import (
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server/servertest"
)

// TestDocs runs the curl commands of the documentation.
func TestDocs(t *testing.T) {
	m := &servertest.Model{Answer: "ok"}
	s := serve(t, map[string]*servertest.Model{"starter": m}, Options{}, library.Options{})
	servertest.Docs(t, "deepseek.md", 3, m, func(path, body string) (int, string) { return s.post(t, path, body) })
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
