package anthropic

import (
	"fmt"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/server/servertest"
)

const weatherTool = `"tools":[{"name":"weather","description":"The weather.","input_schema":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}]`

// TestTranscripts checks whole exchanges, byte for byte, against files that can
// be read.
func TestTranscripts(t *testing.T) {
	salty := func() *servertest.Model { return &servertest.Model{Answer: "Salt – 食塩."} }
	think := func() *servertest.Model {
		return &servertest.Model{Template: servertest.Thinking, Answer: "Hm, rivers.\n</think>\n\nBy rivers."}
	}
	named := func() *servertest.Model {
		return &servertest.Model{Template: servertest.Tools, Answer: "</think>Salt."}
	}
	calls := func() *servertest.Model {
		return &servertest.Model{Template: servertest.Tools, Answer: "I look." + servertest.Calls("weather", `{"city":"Oslo"}`, "weather", `{"city":"Rome"}`)}
	}
	const messages, count = "/v1/messages", "/v1/messages/count_tokens"
	ask := func(more string) string {
		return `{"model":"fake","max_tokens":400,"messages":[{"role":"user","content":"Why?"}],"temperature":0` + more + `}`
	}
	for _, c := range []struct {
		name, path, body string
		model            func() *servertest.Model
	}{
		{"message", messages, ask(""), salty},
		{"stream", messages, ask(`,"stream":true`), salty},
		{"max_tokens", "/anthropic" + messages, `{"model":"claude-sonnet-5","max_tokens":2,"system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":[{"type":"text","text":"Why?"}]}],"temperature":0}`, salty},
		{"stop_sequence", messages, ask(`,"stop_sequences":["食"]`), salty},
		{"stop_sequence_stream", messages, ask(`,"stop_sequences":["食"],"stream":true`), salty},
		{"thinking", messages, ask(""), think},
		{"thinking_stream", messages, ask(`,"stream":true`), think},
		{"thinking_omitted_stream", messages, ask(`,"stream":true,"thinking":{"type":"adaptive","display":"omitted"}`), think},
		{"tools", messages, ask("," + weatherTool), calls},
		{"tools_stream", messages, ask(`,"stream":true,` + weatherTool), calls},
		{"tools_cut", messages, `{"model":"fake","max_tokens":60,"messages":[{"role":"user","content":"Why?"}],"temperature":0,` + weatherTool + `}`, calls},
		{"tool_named", messages, ask(`,"tool_choice":{"type":"tool","name":"now","disable_parallel_tool_use":true},"tools":[{"name":"now","input_schema":{"type":"object","properties":{},"additionalProperties":false}}]`), named},
		{"json", messages, ask(`,"output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{"salty":{"type":"boolean"}},"required":["salty"],"additionalProperties":false}}}`), salty},
		{"prefill", messages, `{"model":"fake","max_tokens":100,"messages":[{"role":"user","content":"Why?"},{"role":"assistant","content":"Because of"}],"temperature":0}`, named},
		{"warm", messages, `{"model":"fake","max_tokens":0,"messages":[{"role":"user","content":"Why?"}]}`, salty},
		{"warm_stream", messages, `{"model":"fake","max_tokens":0,"messages":[{"role":"user","content":"Why?"}],"stream":true}`, salty},
		{"count", count, `{"model":"fake","messages":[{"role":"user","content":"Why?"}]}`, salty},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := one(t, c.model())
			status, body := s.post(t, c.path, c.body)
			servertest.Compare(t, c.name, fmt.Sprintf("POST %s\n%s----------\n%d\n%s", c.path, servertest.Readable(c.body), status, servertest.Readable(body)))
		})
	}
}
