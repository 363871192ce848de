package anthropic

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// TestMessages checks what conversations become.
func TestMessages(t *testing.T) {
	f := func(body string, want []chat.Message, signatures map[int]string) {
		t.Helper()
		var m messagesRequest
		if err := json.Unmarshal([]byte(body), &m); err != nil {
			t.Fatal(err)
		}
		c, err := toMessages(m.System, m.Messages)
		if err != nil {
			t.Errorf("%s: %v", body, err)
			return
		}
		if d := cmp.Diff(want, c.msgs); d != "" {
			t.Errorf("%s (-want +got):\n%s", body, d)
		}
		if d := cmp.Diff(signatures, c.signatures); d != "" {
			t.Errorf("%s: signatures (-want +got):\n%s", body, d)
		}
	}
	user := func(s ...string) chat.Message {
		m := chat.Message{Role: chat.User}
		for _, t := range s {
			m.Content = append(m.Content, chat.Part{Text: t})
		}
		return m
	}
	none := map[int]string{}
	f(`{"system":"Be brief.","messages":[{"role":"user","content":"a"}]}`, []chat.Message{{Role: chat.System, Content: chat.Text("Be brief.")}, user("a")}, none)
	// What a coding agent counts is no part of its prompt.
	f(`{"system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=2; cch=1f;"},{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":"a"}]}`,
		[]chat.Message{{Role: chat.System, Content: chat.Text("Be brief.")}, user("a")}, none)
	f(`{"system":"x-anthropic-billing-header: cch=1f;\nBe brief.","messages":[{"role":"user","content":"a"}]}`,
		[]chat.Message{{Role: chat.System, Content: chat.Text("Be brief.")}, user("a")}, none)
	// Turns of one speaker are one, and a system turn may come later.
	f(`{"messages":[{"role":"user","content":"a"},{"role":"user","content":[{"type":"text","text":"b"}]},{"role":"system","content":"s"},{"role":"user","content":"c"}]}`,
		[]chat.Message{user("a", "b"), {Role: chat.System, Content: chat.Text("s")}, user("c")}, none)
	// The last turn of an assistant is continued.
	f(`{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}`,
		[]chat.Message{user("a"), {Role: chat.Assistant, Content: chat.Text("b"), Prefix: true}}, none)
	// A turn with thinking and calls, and their results in another order.
	f(`{"messages":[{"role":"user","content":"a"},
		{"role":"assistant","content":[
			{"type":"thinking","thinking":"hm","signature":"sig_1"},{"type":"text","text":"I look."},
			{"type":"tool_use","id":"x","name":"f","input":{"b": 1, "a": 2}},{"type":"tool_use","id":"y","name":"g"}]},
		{"role":"user","content":[
			{"type":"tool_result","tool_use_id":"y","content":[{"type":"text","text":"gone"}],"is_error":true},
			{"type":"tool_result","tool_use_id":"x"},{"type":"text","text":"And?"}]},
		{"role":"assistant","content":[{"type":"redacted_thinking","data":"sig_2"},{"type":"text","text":"c"}]},
		{"role":"user","content":"d"}]}`,
		[]chat.Message{
			user("a"),
			{Role: chat.Assistant, Reasoning: "hm", Content: chat.Text("I look."), ToolCalls: []chat.ToolCall{{ID: "x", Name: "f", Arguments: `{"b": 1, "a": 2}`}, {ID: "y", Name: "g", Arguments: "{}"}}},
			{Role: chat.ToolRole, ToolCallID: "y", Content: []chat.Part{{Text: "Error:"}, {Text: "gone"}}},
			{Role: chat.ToolRole, ToolCallID: "x", Content: chat.Text("")},
			user("And?"),
			{Role: chat.Assistant, Content: chat.Text("c")},
			user("d"),
		}, map[int]string{1: "sig_1", 5: "sig_2"})
}

// FuzzRequest checks that no body breaks the reading of requests.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{
		`{"model":"m","messages":[{"role":"user","content":"a"}]}`,
		`{"model":"m","messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"x","content":null}]}],"system":[]}`,
		`{"model":"m","messages":[{"role":"assistant","content":[{"type":"tool_use","id":"x","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"x"}]}],"tools":[{"name":"f","input_schema":{}}],"tool_choice":{"type":"tool","name":"f"}}`,
		`{"model":"m","messages":[null,1,"x",[],{}],"tools":[null],"thinking":1,"output_config":[],"metadata":null}`,
		`{"model":"m","messages":[{"role":"system","content":""}],"max_tokens":0,"thinking":{"type":"enabled","budget_tokens":1024},"output_format":{"type":"json_schema","schema":{}}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m messagesRequest
		if json.Unmarshal(data, &m) != nil {
			return
		}
		a, err := m.neutral()
		if err == nil && len(a.req.Messages) == 0 {
			t.Errorf("%q: no messages, and no error", data)
		}
	})
}

// TestInput checks that a call's input is always an object.
func TestInput(t *testing.T) {
	f := func(arguments, want string) {
		t.Helper()
		if got := string(input(arguments)); got != want {
			t.Errorf("%q: %s, expected %s", arguments, got, want)
		}
	}
	f(``, `{}`)
	f(` {"a": 1} `, `{"a": 1}`)
	f(`{"a": `, `{"INVALID_JSON":"{\"a\": "}`)
	f(`[1]`, `{"INVALID_JSON":"[1]"}`)
}
