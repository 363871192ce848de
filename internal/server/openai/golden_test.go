package openai

import (
	"fmt"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/server/servertest"
)

const weatherTool = `"tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}]`

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
		return &servertest.Model{Template: servertest.Tools, Answer: "I look.</think>" + servertest.Calls("weather", `{"city":"Oslo"}`, "weather", `{"city":"Rome"}`)}
	}
	for _, c := range []struct {
		name, path, body string
		model            func() *servertest.Model
	}{
		{"chat", "chat/completions", `{"model":"fake","messages":[{"role":"user","content":"Why?"}],"temperature":0}`, salty},
		{"chat_stream", "chat/completions", `{"model":"fake","messages":[{"role":"user","content":"Why?"}],"temperature":0,"stream":true}`, salty},
		{"chat_stream_usage", "chat/completions", `{"model":"fake","messages":[{"role":"developer","content":"Be brief."},{"role":"user","content":[{"type":"text","text":"Why?"}]}],"temperature":0,"max_completion_tokens":2,"stream":true,"stream_options":{"include_usage":true}}`, salty},
		{"chat_stop", "chat/completions", `{"model":"fake","messages":[{"role":"user","content":"Why?"}],"temperature":0,"stop":["食"]}`, salty},
		{"chat_n", "chat/completions", `{"model":"fake","messages":[{"role":"user","content":"Why?"}],"n":2,"seed":7,"temperature":0}`, salty},
		{"chat_thinking", "chat/completions", `{"model":"fake","messages":[{"role":"user","content":"Why?"}],"temperature":0}`, think},
		{"chat_thinking_stream", "chat/completions", `{"model":"fake","messages":[{"role":"user","content":"Why?"}],"temperature":0,"stream":true}`, think},
		{"chat_tools", "chat/completions", `{"model":"fake","messages":[{"role":"user","content":"Weather?"}],"temperature":0,` + weatherTool + `}`, calls},
		{"chat_tools_stream", "chat/completions", `{"model":"fake","messages":[{"role":"user","content":"Weather?"}],"temperature":0,"stream":true,` + weatherTool + `}`, calls},
		{"chat_logprobs", "chat/completions", `{"model":"fake","messages":[{"role":"user","content":"Why?"}],"temperature":0,"max_tokens":2,"logprobs":true,"top_logprobs":1}`, salty},
		{"chat_logprobs_stream", "chat/completions", `{"model":"fake","messages":[{"role":"user","content":"Why?"}],"temperature":0,"max_tokens":3,"logprobs":true,"stream":true}`, salty},
		{"chat_json", "chat/completions", `{"model":"fake","messages":[{"role":"user","content":"Why?"}],"temperature":0,"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object","properties":{"salty":{"type":"boolean"}},"required":["salty"],"additionalProperties":false}}}}`, salty},
		{"chat_tool_named", "chat/completions", `{"model":"fake","messages":[{"role":"user","content":"Why?"}],"temperature":0,"tool_choice":{"type":"function","function":{"name":"now"}},"tools":[{"type":"function","function":{"name":"now","parameters":{"type":"object","properties":{},"additionalProperties":false}}}]}`, named},
		{"chat_count", "chat/completions/input_tokens", `{"model":"fake","messages":[{"role":"user","content":"Why?"}]}`, salty},
		{"completion", "completions", `{"model":"fake","prompt":"Why?","temperature":0,"echo":true}`, salty},
		{"completion_list", "completions", `{"model":"fake","prompt":["Why?","How?"],"temperature":0,"max_tokens":2,"n":2}`, salty},
		{"completion_tokens", "completions", `{"model":"fake","prompt":[72,73,74],"temperature":0,"max_tokens":2,"logprobs":1}`, salty},
		{"completion_stream", "completions", `{"model":"fake","prompt":"Why?","temperature":0,"stream":true,"logprobs":0,"stream_options":{"include_usage":true}}`, salty},
		{"response", "responses", `{"model":"fake","input":"Why?","instructions":"Be brief.","temperature":0}`, think},
		{"response_stream", "responses", `{"model":"fake","input":[{"role":"user","content":[{"type":"input_text","text":"Why?"}]}],"temperature":0,"stream":true}`, think},
		{"response_tools_stream", "responses", `{"model":"fake","input":"Weather?","temperature":0,"stream":true,"tools":[{"type":"function","name":"weather","parameters":{"type":"object"}}]}`, calls},
		{"response_incomplete", "responses", `{"model":"fake","input":"Why?","max_output_tokens":2,"temperature":0}`, salty},
		{"response_count", "responses/input_tokens", `{"model":"fake","input":"Why?"}`, salty},
		{"chat_allowed_tools", "chat/completions", `{"model":"fake","messages":[{"role":"user","content":"Why?"}],"temperature":0,"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"now"}}]}},"tools":[{"type":"function","function":{"name":"then","parameters":{"type":"object","properties":{},"additionalProperties":false}}},{"type":"function","function":{"name":"now","parameters":{"type":"object","properties":{},"additionalProperties":false}}}]}`, named},
		{"response_sealed", "responses", `{"model":"fake","input":"Why?","temperature":0,"include":["reasoning.encrypted_content"],"store":false}`, think},
		{"response_logprobs_stream", "responses", `{"model":"fake","input":"Why?","temperature":0,"stream":true,"max_output_tokens":3,"top_logprobs":1}`, salty},
		{"embeddings_base64", "embeddings", `{"model":"fake","input":["Why?",[72,73]],"encoding_format":"base64","dimensions":2}`, salty},
		{"embeddings", "embeddings", `{"model":"fake","input":"Why?"}`, salty},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := one(t, c.model())
			status, body := s.post(t, "/v1/"+c.path, c.body)
			servertest.Compare(t, c.name, fmt.Sprintf("POST /v1/%s\n%s----------\n%d\n%s", c.path, servertest.Readable(c.body), status, servertest.Readable(body)))
		})
	}
}
