package deepseekapi

import (
	"strings"
	"testing"
)

const hi = `"messages":[{"role":"user","content":"hi"}]`

func TestMalformed(t *testing.T) {
	f := func(body, want string) {
		t.Helper()
		_, bad := Decode([]byte(body), Options{})
		if bad == nil || bad.Status != 422 || !strings.Contains(bad.Message, want) {
			t.Errorf("%s: got %v, want 422 with %q", body, bad, want)
		}
	}
	f(``, "expected a value")
	f(`[]`, "expected an object")
	f(`{}`, "missing field `messages`")
	f(`{"messages":"x"}`, "messages: expected an array")
	f(`{"messages":[{}]}`, "missing field `messages[0].role`")
	f(`{"messages":[{"role":"owl","content":""}]}`, "messages[0].role: expected one of")
	f(`{"messages":[{"role":"user","content":null}]}`, "missing field `messages[0].content`")
	f(`{"messages":[{"role":"user","content":[{"type":"text"}]}]}`, "messages[0].content[0].text")
	f(`{"messages":[{"role":"tool","content":""}]}`, "tool_call_id")
	f(`{"messages":[{"role":"assistant","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":{}}}]}]}`, "messages[0].tool_calls[0].function.arguments: expected a string")
	for _, field := range []string{
		`"temperature":"1"`, `"max_tokens":1.5`, `"max_tokens":-1`, `"n":1.0`, `"n":256`, `"stream":1`, `"stop":1`, `"stop":[null]`, `"tools":{}`, `"tools":[{"type":"x"}]`, `"tool_choice":"x"`,
		`"tool_choice":{"type":"function"}`, `"response_format":{}`, `"response_format":{"type":"json_schema"}`, `"response_format":{"type":"x"}`, `"seed":-1`, `"seed":18446744073709551616`, `"thinking":{}`,
		`"thinking":{"type":"auto"}`, `"reasoning_effort":"x"`, `"reasoning_effort":1`, `"top_logprobs":1.5`, `"stream_options":1`, `"logprobs":0`, `"model":1`,
	} {
		name, _, _ := strings.Cut(strings.Trim(field, `"`), `"`)
		f(`{`+hi+`,`+field+`}`, name)
	}
}

func TestResolveMaxTokens(t *testing.T) {
	f := func(fields string, prompt, context, want int) {
		t.Helper()
		r, bad := Decode([]byte(`{`+hi+fields+`}`), Options{})
		if bad != nil {
			t.Fatal(bad)
		}
		got, bad := r.ResolveMaxTokens(prompt, context)
		if bad != nil {
			got = -bad.Status
		}
		if got != want {
			t.Errorf("%s after %d of %d: got %d, want %d", fields, prompt, context, got, want)
		}
	}
	f(``, 10, 1<<20, 65536)
	f(``, 49, 50, 1)
	f(``, 50, 50, 1)
	f(``, 51, 50, -400)
	f(`,"max_tokens":10`, 40, 50, 10)
	f(`,"max_tokens":10`, 41, 50, -400)
	f(`,"thinking":{"type":"disabled"}`, 10, 1<<20, 8192)
	f(`,"reasoning_effort":"ultra"`, 10, 1<<20, 131072)
}

func TestOptions(t *testing.T) {
	r, bad := Decode([]byte(`{`+hi+`}`), Options{NoThinking: true})
	if bad != nil || r.Thinking || *r.Chat.Thinking || r.Effort != "" {
		t.Errorf("got %+v, %v", r, bad)
	}
	r, bad = Decode([]byte(`{"messages":[{"role":"developer","content":"d"}],"tools":[{"type":"function","function":{"strict":false,"name":"f","parameters":{"type":"object","maximum":1.50}}}]}`), Options{})
	if bad != nil {
		t.Fatal(bad)
	}
	if got := string(r.Chat.Tools[0].Source); got != `{"strict": false, "name": "f", "parameters": {"type": "object", "maximum": 1.50}}` {
		t.Errorf("the source is %s", got)
	}
	if r.Chat.Messages[0].Role != "system" {
		t.Errorf("developer became %s", r.Chat.Messages[0].Role)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{` + hi + `,"temperature":0.5,"stop":["a"],"tool_choice":{"type":"function","function":{"name":"f"}},"tools":[{"type":"function","function":{"name":"f","strict":true,"parameters":{"type":"object","properties":{"a":{"anyOf":[{"type":"string"}]}}}}}]}`))
	f.Add([]byte(`{"messages":[{"role":"assistant","content":[{"type":"text","text":"x"}],"prefix":true,"tool_calls":[]}],"response_format":{"type":"json_schema","json_schema":{"schema":{"$ref":"#/a/0"}}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, v := range []Version{V4, V41} {
			r, bad := Decode(body, Options{Version: v})
			if (r == nil) == (bad == nil) {
				t.Fatalf("%q: %v and %v", body, r, bad)
			}
			if bad != nil && (bad.Status != 400 && bad.Status != 422 || bad.Message == "") {
				t.Fatalf("%q: %+v", body, bad)
			}
		}
	})
}
