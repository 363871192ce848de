package chat

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var weather = Tool{Name: "weather", Description: "Tells the <weather>.", Parameters: json.RawMessage("{\"type\": \"object\",\n \"properties\": {}}")}

func TestDefaultTools(t *testing.T) {
	r := &Request{
		Messages: []Message{
			turn(System, "Be brief."), turn(User, "Hi <tool_call>"),
			{Role: Assistant, Content: Text("I look."), ToolCalls: []ToolCall{{Name: "weather", Arguments: `{"city": "Rome"}`}, {Name: "weather"}}},
			{Role: ToolRole, Content: Text("31 <tool_call>")},
			{Role: ToolRole, Content: Text("12")},
		},
		Tools: []Tool{weather},
	}
	before, _ := json.Marshal(r)
	p := mustRender(t, ModelInfo{Template: chatML}, r)
	want := `<|im_start|>system
Be brief.

# Tools

You can call these functions:
{"name": "weather", "description": "Tells the <weather>.", "parameters": {"type": "object",  "properties": {}}}

To call a function, write its name and its arguments as JSON between these tags:
<tool_call>
{"name": "the name", "arguments": {"an argument": "its value"}}
</tool_call>
The result then comes between <tool_response> and </tool_response>. Independent calls can follow each other, each in tags of its own. Where no function helps, answer without a call.<|im_end|>
<|im_start|>user
Hi <tool_call><|im_end|>
<|im_start|>assistant
I look.
<tool_call>
{"name": "weather", "arguments": {"city": "Rome"}}
</tool_call>
<tool_call>
{"name": "weather", "arguments": {}}
</tool_call><|im_end|>
<|im_start|>user
<tool_response>
31 <tool_call>
</tool_response>
<tool_response>
12
</tool_response><|im_end|>
<|im_start|>assistant
`
	if d := cmp.Diff(want, p.Text()); d != "" {
		t.Error(d)
	}
	tags := map[bool]int{}
	for _, s := range p.Spans {
		tags[s.Template] += strings.Count(s.Text, "<tool_call>")
	}
	if d := cmp.Diff(map[bool]int{true: 3, false: 2}, tags); d != "" {
		t.Errorf("tags by who wrote them: %s", d)
	}
	if after, _ := json.Marshal(r); string(after) != string(before) {
		t.Error("the request was changed")
	}
}

func TestDefaultToolChoice(t *testing.T) {
	f := func(choice ToolChoice, with, without string) {
		t.Helper()
		r := &Request{Messages: []Message{turn(User, "Hi")}, Tools: []Tool{weather}, ToolChoice: choice}
		text := mustRender(t, ModelInfo{Template: chatML}, r).Text()
		if !strings.Contains(text, with) || strings.Contains(text, without) {
			t.Errorf("%+v: expected %q and not %q in %s", choice, with, without, text)
		}
	}
	f(ToolChoice{}, "Where no function helps", "now")
	f(ToolChoice{Mode: ToolRequired}, "Call a function now.", "Where no function")
	f(ToolChoice{Mode: ToolNamed, Name: "weather"}, "Call this function now: weather.", "Where no function")
	f(ToolChoice{Mode: ToolNone}, "Hi", "weather")
}

// TestDefaultToolsLeaveTheRest: without tools nothing is different, and a format
// with tools of its own keeps them.
func TestDefaultToolsLeaveTheRest(t *testing.T) {
	m := ModelInfo{Template: chatML}
	r := &Request{Messages: []Message{turn(System, "S"), turn(User, "Q"), turn(Assistant, "A"), turn(User, "R")}}
	plain, err := bare(t, m).Render(r)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(plain, mustRender(t, m, r)); d != "" {
		t.Error(d)
	}
	hermes := `{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}[{{ m.role }}]{{ m.content }}{% for c in m.tool_calls %}<tool_call>
{{ {"name": c.function.name, "arguments": c.function.arguments} | tojson }}
</tool_call>{% endfor %}{% endfor %}`
	r.Tools = []Tool{weather}
	p := mustRender(t, ModelInfo{Template: hermes}, r)
	if !strings.HasPrefix(p.Text(), `[{"type": "function"`) || strings.Contains(p.Text(), "# Tools") {
		t.Errorf("a template with tools renders %s", p.Text())
	}
}

// TestDefaultToolsRefused: a template that refuses system messages, or two turns
// of one speaker, still shows the tools.
func TestDefaultToolsRefused(t *testing.T) {
	strict := `{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}` +
		`{% if loop.previtem and loop.previtem.role == m.role %}{{ raise_exception('alternate') }}{% endif %}[{{ m.role }}:{{ m.content }}]{% endfor %}`
	r := &Request{
		Messages: []Message{
			turn(User, "Q"),
			{Role: Assistant, ToolCalls: []ToolCall{{Name: "weather", Arguments: "{}"}}},
			{Role: ToolRole, Content: Text("31")},
			turn(User, "thanks"),
		},
		Tools: []Tool{weather},
	}
	text := mustRender(t, ModelInfo{Template: strict}, r).Text()
	for _, s := range []string{"[user:# Tools", "call.\n\nQ]", "</tool_response>\n\nthanks]"} {
		if !strings.Contains(text, s) {
			t.Errorf("the prompt has no %q: %s", s, text)
		}
	}
}
