package deepseek

import (
	"fmt"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/server/servertest"
)

const weather = `"tools":[{"type":"function","function":{"name":"weather","description":"Look.","parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}}}]`

// TestAnswers checks whole exchanges against testdata: every field, in order.
func TestAnswers(t *testing.T) {
	salty := func() *servertest.Model { return &servertest.Model{Answer: "Salt comes from rocks."} }
	think := func() *servertest.Model {
		return &servertest.Model{Template: servertest.Thinking, Answer: "Rivers?</think>\n\nSalt."}
	}
	calls := func() *servertest.Model {
		return &servertest.Model{Template: servertest.Tools, Answer: "Look." + servertest.Calls("weather", `{"city": "Rome"}`)}
	}
	const why = `"messages":[{"role":"user","content":"Why?"}]`
	for _, c := range []struct {
		name, path, body string
		model            func() *servertest.Model
	}{
		{"chat", "/chat/completions", `{"model":"fake",` + why + `,"temperature":0,"thinking":{"type":"disabled"}}`, salty},
		{"chat_stream", "/chat/completions", `{"model":"deepseek-chat",` + why + `,"temperature":0,"stream":true}`, salty},
		{"chat_stream_usage", "/chat/completions", `{"model":"deepseek-chat",` + why + `,"temperature":0,"max_tokens":2,"stream":true,"stream_options":{"include_usage":true}}`, salty},
		{"chat_thinking", "/chat/completions", `{"model":"deepseek-reasoner",` + why + `,"temperature":0}`, think},
		{"chat_thinking_stream", "/chat/completions", `{"model":"fake",` + why + `,"temperature":0,"stream":true,"stream_options":{"include_usage":true}}`, think},
		{"chat_tools", "/chat/completions", `{"model":"deepseek-chat",` + why + `,"temperature":0,` + weather + `}`, calls},
		{"chat_tools_stream", "/beta/chat/completions", `{"model":"deepseek-chat",` + why + `,"temperature":0,"stream":true,` + weather + `}`, calls},
		{"chat_logprobs", "/chat/completions", `{"model":"deepseek-chat",` + why + `,"temperature":0,"max_tokens":2,"logprobs":true,"top_logprobs":1}`, salty},
		{"chat_logprobs_stream", "/chat/completions", `{"model":"fake",` + why + `,"temperature":0,"logprobs":true,"stream":true}`, think},
		{"chat_prefix", "/beta/chat/completions", `{"model":"deepseek-chat","messages":[{"role":"user","content":"Why?"},{"role":"assistant","content":"Sa","prefix":true}],"temperature":0,"stop":["rocks"]}`, salty},
		{"responses", "/responses", `{"model":"deepseek-v4-flash","input":"Why?","temperature":0,"user":"ann"}`, think},
		{"fim_plain", "/beta/completions", `{"model":"deepseek-chat","prompt":"Why?","temperature":0,"max_tokens":3,"logprobs":1,"echo":false}`, salty},
		{"fim_stream", "/completions", `{"model":"fake","prompt":"Why?","temperature":0,"max_tokens":3,"echo":true,"stream":true,"stream_options":{"include_usage":true}}`, salty},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := one(t, c.model())
			status, body := s.post(t, c.path, c.body)
			servertest.Compare(t, c.name, fmt.Sprintf("POST %s\n%s----------\n%d\n%s", c.path, servertest.Readable(c.body), status, servertest.Readable(body)))
		})
	}
}
