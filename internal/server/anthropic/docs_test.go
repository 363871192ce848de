package anthropic

import (
	"net/http"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server/servertest"
)

// TestDocs runs the curl commands of the documentation.
func TestDocs(t *testing.T) {
	m := &servertest.Model{Answer: "ok"}
	s := serve(t, map[string]*servertest.Model{"starter": m}, Options{}, library.Options{})
	servertest.Docs(t, "anthropic.md", 2, m, func(path, body string) (int, string) { return s.post(t, path, body) })
}

// TestCodingAgent sends what Claude Code sends besides the conversation: all of
// it must be taken.
func TestCodingAgent(t *testing.T) {
	s := one(t, &servertest.Model{Template: servertest.Tools, Answer: "ok"})
	status, got := s.post(t, "/v1/messages?beta=true", `{
		"model": "claude-opus-5", "max_tokens": 32000, "stream": true, "temperature": 1,
		"system": [
			{"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.177.01c; cc_entrypoint=cli; cch=36ee5;"},
			{"type": "text", "text": "You write programs.", "cache_control": {"type": "ephemeral", "ttl": "1h", "scope": "global"}}
		],
		"messages": [
			{"role": "user", "content": [{"type": "text", "text": "List the files.", "cache_control": {"type": "ephemeral"}}]},
			{"role": "assistant", "content": [
				{"type": "thinking", "thinking": "", "signature": "sig_of_another_model"},
				{"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls"}, "caller": {"type": "direct"}}
			]},
			{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "a.go", "is_error": false, "cache_control": {"type": "ephemeral"}}]}
		],
		"tools": [{"name": "Bash", "description": "Runs a command.", "input_schema": {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
			"properties": {"command": {"description": "The command.", "type": "string"}}, "required": ["command"], "additionalProperties": false}, "eager_input_streaming": true}],
		"tool_choice": {"type": "auto"},
		"metadata": {"user_id": "{\"device_id\":\"d\",\"account_uuid\":\"\",\"session_id\":\"s\"}"},
		"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"},
		"context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}
	}`)
	all := events(t, got)
	if last := all[len(all)-1]; status != http.StatusOK || last.Type != "message_stop" {
		t.Errorf("%d %s", status, got)
	}
}
