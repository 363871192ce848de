package openai

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
	servertest.Docs(t, "openai.md", 4, m, func(path, body string) (int, string) { return s.post(t, path, body) })
}

// TestCodingAgent sends what Codex sends besides the conversation: all of it
// must be taken.
func TestCodingAgent(t *testing.T) {
	s := one(t, &servertest.Model{Template: servertest.Tools, Answer: "ok"})
	status, got := s.post(t, "/v1/responses", `{
		"model": "fake", "instructions": "You write programs.", "stream": true, "store": false,
		"input": [
			{"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "Be brief."}]},
			{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "List the files."}], "internal": {"turn": 1}},
			{"type": "reasoning", "summary": [], "content": null, "encrypted_content": "`+*seal("I look.")+`"},
			{"type": "function_call", "name": "shell", "arguments": "{\"command\":[\"ls\"]}", "call_id": "call_1"},
			{"type": "function_call_output", "call_id": "call_1", "output": "a.go"}
		],
		"tools": [{"type": "function", "name": "shell", "description": "Runs a command.", "strict": false, "parameters": {"type": "object", "properties": {"command": {"type": "array", "items": {"type": "string"}}}, "required": ["command"], "additionalProperties": false}}],
		"tool_choice": "auto", "parallel_tool_calls": true, "reasoning": {"effort": "medium", "summary": "auto"},
		"include": ["reasoning.encrypted_content"], "prompt_cache_key": "0199-thread", "text": {"verbosity": "medium"},
		"client_metadata": {"x-codex-installation-id": "i"}
	}`)
	if status != http.StatusOK || !strings.Contains(got, "event: response.completed\n") {
		t.Errorf("%d %s", status, got)
	}
}
