package ollama

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-llm/holdfast/internal/platform/library"
	"github.com/holdfast-llm/holdfast/internal/server/servertest"
)

const hello = `"messages":[{"role":"user","content":"Why?"}]`

func TestChat(t *testing.T) {
	s := one(t, &servertest.Model{Answer: "Salt – ✓ and more."})
	text, thinking, _, last := joined(t, s.ask(t, "/api/chat", `{"model":"fake",`+hello+`}`))
	if text != "Salt – ✓ and more." || thinking != "" {
		t.Errorf("text %q, thinking %q", text, thinking)
	}
	if last.DoneReason != "stop" || last.PromptEvalCount == 0 || last.EvalCount == 0 || last.TotalDuration == 0 || last.Model != "fake" || last.CreatedAt != "2023-11-14T22:13:20Z" || last.Message.Role != "assistant" {
		t.Errorf("%+v", last)
	}
	whole := s.ask(t, "/api/chat", `{"model":"fake:latest","stream":false,`+hello+`}`)
	if len(whole) != 1 || whole[0].Message.Content != text || !whole[0].Done || whole[0].EvalCount != last.EvalCount {
		t.Errorf("%+v", whole)
	}
}

func TestChatThinking(t *testing.T) {
	s := serve(t, map[string]*servertest.Model{
		"fake":  {Template: servertest.Thinking, Answer: "Hm.</think>\n\nRivers."},
		"plain": {Answer: "Rivers."},
	}, Options{}, library.Options{})
	for _, think := range []string{"", `"think":true,`, `"think":"high",`} {
		text, thinking, _, _ := joined(t, s.ask(t, "/api/chat", `{"model":"fake",`+think+hello+`}`))
		if text != "Rivers." || thinking != "Hm." {
			t.Errorf("think %q: text %q, thinking %q", think, text, thinking)
		}
	}
	if status, body := s.post(t, "/api/chat", `{"model":"plain","think":"deeply",`+hello+`}`); status != http.StatusBadRequest || !strings.Contains(body, "'think'") {
		t.Errorf("%d %s", status, body)
	}
}

func TestChatTools(t *testing.T) {
	m := &servertest.Model{Template: servertest.Tools, Answer: "Let me see." + servertest.Calls("time", `{"zone":"UTC"}`, "time", `{"zone":"CET"}`)}
	s := one(t, m)
	const tools = `"tools":[{"type":"function","function":{"name":"time","description":"Tell the time","parameters":{"type":"object","properties":{"zone":{"type":"string"}}}}}]`
	for _, stream := range []string{"true", "false"} {
		_, _, calls, last := joined(t, s.ask(t, "/api/chat", `{"model":"fake","think":false,"stream":`+stream+`,`+tools+`,`+hello+`}`))
		m.Next()
		if len(calls) != 2 || calls[0].Function.Name != "time" || string(calls[0].Function.Arguments) != `{"zone":"UTC"}` || calls[0].ID != "call_x" || *calls[1].Function.Index != 1 {
			t.Errorf("stream %s: %+v", stream, calls)
		}
		if last.DoneReason != "stop" {
			t.Errorf("%+v", last)
		}
	}
	m.Next()
	// A conversation with results, which name no call.
	history := `"messages":[{"role":"user","content":"When?"},
		{"role":"assistant","content":"","tool_calls":[{"function":{"name":"time","arguments":{"zone":"UTC"}}},{"function":{"name":"date","arguments":{}}}]},
		{"role":"tool","content":"Monday","tool_name":"date"},{"role":"tool","content":"12:00"}]`
	if status, body := s.post(t, "/api/chat", `{"model":"fake",`+tools+`,`+history+`}`); status != http.StatusOK {
		t.Errorf("%d %s", status, body)
	}
}

func TestToolResultsFindTheirCalls(t *testing.T) {
	var in []message
	err := json.Unmarshal([]byte(`[{"role":"assistant","tool_calls":[{"function":{"name":"a","arguments":{}}},{"function":{"name":"b","arguments":{}}},{"id":"own","function":{"name":"a"}}]},
		{"role":"tool","content":"1","tool_name":"b"},{"role":"tool","content":"2"},{"role":"tool","content":"3","tool_call_id":"own"}]`), &in)
	if err != nil {
		t.Fatal(err)
	}
	out, err := toMessages(in)
	if err != nil {
		t.Fatal(err)
	}
	if c := out[0].ToolCalls; c[1].ID != out[1].ToolCallID || c[0].ID != out[2].ToolCallID || out[3].ToolCallID != "own" || c[0].ID == c[1].ID || c[2].Arguments != "{}" {
		t.Errorf("%+v", out)
	}
	if _, err := toMessages(append(in, message{Role: "tool", Content: "4"})); err == nil {
		t.Error("a result too many was no error")
	}
}

func TestFormat(t *testing.T) {
	s := one(t, &servertest.Model{Answer: "no JSON at all"})
	for _, format := range []string{`"json"`, `{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}`} {
		all := s.ask(t, "/api/chat", `{"model":"fake","stream":false,"options":{"num_predict":400},"format":`+format+`,`+hello+`}`)
		if text := all[0].Message.Content; !json.Valid([]byte(text)) && all[0].DoneReason != "length" || !strings.HasPrefix(text, "{") {
			t.Errorf("format %s: %q", format, text)
		}
	}
	if status, body := s.post(t, "/api/generate", `{"model":"fake","prompt":"x","format":{"type":"objekt"}}`); status != http.StatusBadRequest || !strings.Contains(body, "objekt") {
		t.Errorf("%d %s", status, body)
	}
}

func TestGenerate(t *testing.T) {
	s := one(t, &servertest.Model{Answer: "Rivers bring it."})
	text, _, _, last := joined(t, s.ask(t, "/api/generate", `{"model":"fake","prompt":"Why?","system":"Be short."}`))
	if text != "Rivers bring it." || len(last.Context) != last.PromptEvalCount+last.EvalCount {
		t.Errorf("%q, %d tokens of context, %+v", text, len(last.Context), last)
	}
	whole := s.ask(t, "/api/generate", `{"model":"fake","prompt":"Why?","system":"Be short.","stream":false}`)
	if len(whole) != 1 || whole[0].Response != text {
		t.Errorf("%+v", whole)
	}
}

// TestGenerateContext goes on after an exchange: the prompt is its tokens and
// the new question's.
func TestGenerateContext(t *testing.T) {
	m := &servertest.Model{Template: servertest.Thinking, Answer: "Hm.</think>\n\nOne two three."}
	s := one(t, m)
	_, _, _, first := joined(t, s.ask(t, "/api/generate", `{"model":"fake","prompt":"Why?"}`))
	m.Next()
	ids, err := json.Marshal(first.Context)
	if err != nil {
		t.Fatal(err)
	}
	text, thinking, _, second := joined(t, s.ask(t, "/api/generate", `{"model":"fake","prompt":"Why?","context":`+string(ids)+`}`))
	if text != "One two three." || thinking != "Hm." {
		t.Errorf("text %q, thinking %q", text, thinking)
	}
	if want := len(first.Context) + first.PromptEvalCount; second.PromptEvalCount != want {
		t.Errorf("the prompt has %d tokens, expected %d", second.PromptEvalCount, want)
	}
	m.Next()
	text, _, _, end := joined(t, s.ask(t, "/api/generate", `{"model":"fake","prompt":"Why?","options":{"stop":["two"]},"context":`+string(ids)+`}`))
	if text != "One " || end.DoneReason != "stop" {
		t.Errorf("with a stop text: %q, %q", text, end.DoneReason)
	}
	if status, body := s.post(t, "/api/generate", `{"model":"fake","prompt":"x","context":[99999999]}`); status != http.StatusBadRequest || !strings.Contains(body, "99999999") {
		t.Errorf("%d %s", status, body)
	}
}

func TestGenerateRaw(t *testing.T) {
	m := &servertest.Model{Answer: " and on."}
	s := one(t, m)
	all := s.ask(t, "/api/generate", `{"model":"fake","prompt":"On","raw":true,"stream":false}`)
	if all[0].Response != " and on." || all[0].PromptEvalCount > 3 || all[0].Context != nil {
		t.Errorf("%+v", all[0])
	}
	m.Next()
	all = s.ask(t, "/api/generate", `{"model":"fake","prompt":"Say","template":"{% for m in messages %}{{ m.content }}{% endfor %}","stream":false}`)
	if all[0].Response != " and on." || all[0].PromptEvalCount > 3 {
		t.Errorf("with a template: %+v", all[0])
	}
}

func TestLogprobs(t *testing.T) {
	s := one(t, &servertest.Model{Answer: "yes, 食塩"})
	all := s.ask(t, "/api/chat", `{"model":"fake","logprobs":true,"top_logprobs":2,`+hello+`}`)
	n := 0
	for _, l := range all {
		for _, p := range l.Logprobs {
			n++
			if len(p.Top) != 2 {
				t.Errorf("%+v", p)
			}
		}
	}
	text, _, _, last := joined(t, all)
	if n < last.EvalCount-1 || text != "yes, 食塩" {
		t.Errorf("%d of %d tokens, %q", n, last.EvalCount, text)
	}
}

func TestLengthAndContext(t *testing.T) {
	m := &servertest.Model{Endless: true, Context: 256}
	s := one(t, m)
	_, _, _, last := joined(t, s.ask(t, "/api/chat", `{"model":"fake","options":{"num_predict":5},`+hello+`}`))
	if last.DoneReason != "length" || last.EvalCount != 5 {
		t.Errorf("%+v", last)
	}
	_, _, _, last = joined(t, s.ask(t, "/api/chat", `{"model":"fake","options":{"num_ctx":64,"num_predict":-1},`+hello+`}`))
	if last.DoneReason != "length" || last.EvalCount+last.PromptEvalCount != 64 {
		t.Errorf("%+v", last)
	}
	for _, f := range []struct{ options, message, want string }{
		{`{"num_ctx":10}`, "Why?", "maximum context length is 10 tokens"},
		{`{}`, strings.Repeat("long ", 500), "maximum context length is 256 tokens"},
		{`{"num_ctx":100000}`, "Why?", "'options.num_ctx' is 100000, but a request may have 256 tokens here"},
	} {
		status, body := s.post(t, "/api/chat", `{"model":"fake","options":`+f.options+`,"messages":[{"role":"user","content":"`+f.message+`"}]}`)
		if status != http.StatusBadRequest || !strings.Contains(body, f.want) {
			t.Errorf("options %s: %d %s", f.options, status, body)
		}
	}
}

func TestKeepAlive(t *testing.T) {
	m := &servertest.Model{Answer: "x"}
	s := one(t, m)
	all := s.ask(t, "/api/generate", `{"model":"fake"}`)
	if len(all) != 1 || all[0].DoneReason != "load" || !all[0].Done || m.Loads() != 1 {
		t.Errorf("load: %+v, %d loads", all, m.Loads())
	}
	if all := s.ask(t, "/api/chat", `{"model":"fake","messages":[],"keep_alive":"10m"}`); all[0].DoneReason != "load" {
		t.Errorf("%+v", all)
	}
	if _, body := s.do(t, http.MethodGet, "/api/ps", ""); !strings.Contains(body, `"name":"fake:latest"`) || strings.Contains(body, "2123") {
		t.Errorf("ps: %s", body)
	}
	if all := s.ask(t, "/api/chat", `{"model":"fake","keep_alive":0}`); all[0].DoneReason != "unload" {
		t.Errorf("%+v", all)
	}
	if _, body := s.do(t, http.MethodGet, "/api/ps", ""); body != `{"models":[]}`+"\n" {
		t.Errorf("ps: %s", body)
	}
	for text, want := range map[string]time.Duration{`300`: 300 * time.Second, `"5m"`: 5 * time.Minute, `-1`: -1, `"-1"`: -1, `"-2m"`: -1, `"60"`: time.Minute, `0.5`: 500 * time.Millisecond, `1e300`: -1} {
		if d, ok, err := keepAlive(json.RawMessage(text)); d != want || !ok || err != nil {
			t.Errorf("keep_alive %s: %v %v %v", text, d, ok, err)
		}
	}
}

// TestHeartbeat: while a model thinks about its prompt, lines come that say
// nothing; before one object there are spaces.
func TestHeartbeat(t *testing.T) {
	s := serve(t, map[string]*servertest.Model{"fake": {Answer: "x", Delay: 60 * time.Millisecond}}, Options{Heartbeat: 15 * time.Millisecond}, library.Options{})
	all := s.ask(t, "/api/chat", `{"model":"fake",`+hello+`}`)
	if len(all) < 4 || all[0].Message.Content != "" || all[0].Message.Role != "assistant" {
		t.Errorf("%d lines, the first %+v", len(all), all[0])
	}
	if text, _, _, _ := joined(t, all); text != "x" {
		t.Errorf("%q", text)
	}
	_, body := s.post(t, "/api/generate", `{"model":"fake","options":{"temperature":0},"prompt":"y","stream":false}`)
	var l line
	if err := json.Unmarshal([]byte(body), &l); err != nil || body[0] != ' ' || !l.Done {
		t.Errorf("%v in %q", err, body)
	}
}
