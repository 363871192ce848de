package dialect

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

// drawRequest draws a conversation that any dialect with tools can render.
func drawRequest(t *rapid.T, calls bool) *chat.Request {
	r := &chat.Request{Thinking: new(rapid.Bool().Draw(t, "think"))}
	n := 0
	for range rapid.IntRange(1, 6).Draw(t, "turns") {
		switch oneOf(t, "role", "system", "user", "user", "assistant", "calls") {
		case "system":
			r.Messages = append(r.Messages, chat.Message{Role: chat.System, Content: chat.Text(phrase(t))})
		case "user":
			r.Messages = append(r.Messages, chat.Message{Role: chat.User, Content: chat.Text(phrase(t))})
		case "assistant":
			r.Messages = append(r.Messages, chat.Message{Role: chat.Assistant, Content: chat.Text(phrase(t)), Reasoning: phrase(t)})
		case "calls":
			if !calls {
				continue
			}
			m := chat.Message{Role: chat.Assistant, Content: chat.Text(phrase(t)), Reasoning: phrase(t)}
			var results []chat.Message
			for range rapid.IntRange(1, 3).Draw(t, "calls") {
				n++
				id := string(rune('a' + n))
				m.ToolCalls = append(m.ToolCalls, chat.ToolCall{ID: id, Name: "f", Arguments: `{"k":"` + strings.Repeat("v", n) + `"}`})
				results = append(results, chat.Message{Role: chat.ToolRole, Content: chat.Text(phrase(t)), ToolCallID: id})
			}
			r.Messages = append(append(r.Messages, m), results...)
		}
	}
	r.Messages = append(r.Messages, chat.Message{Role: chat.User, Content: chat.Text(phrase(t))})
	return r
}

// specials are all texts that a template span may hold.
var specials = []string{
	tokBegin, tokEnd, tokSystem, tokUser, tokAssistant, tokReminder, tokThink, tokThinkEnd, tokDSML, tokEOT,
	tokCalls, tokCallsEnd, tokCall, tokCallEnd, tokSep, tokOutputs, tokOutputsEnd, tokOutput, tokOutputEnd, tokFIMBegin, tokFIMHole, tokFIMEnd,
}

// TestSpans is the law of spans: a template span is one special token, the
// first is the one that begins a text, and what a user types changes only the
// plain spans.
func TestSpans(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := oneOf(t, "dialect", all...)
		r := drawRequest(t, d.calls != callsNone)
		p, err := d.Render(r)
		if err != nil {
			t.Fatal(err)
		}
		if p.Spans[0].Text != tokBegin || !p.Spans[0].Template {
			t.Fatalf("the prompt begins with %+v", p.Spans[0])
		}
		plain := false
		for _, s := range p.Spans[1:] {
			if s.Template && !slices.Contains(specials, s.Text) {
				t.Fatalf("the template span %q is no token", s.Text)
			}
			if !s.Template && (s.Text == "" || plain) {
				t.Fatalf("the plain span %q is empty or follows another", s.Text)
			}
			plain = !s.Template
		}
		// The same conversation with harmless texts has the same tokens, unless
		// the dialect cuts inline reasoning off.
		count := func(p *chat.Prompt) (tokens []string) {
			for _, s := range p.Spans {
				if s.Template {
					tokens = append(tokens, s.Text)
				}
			}
			return tokens
		}
		harmless := *r
		harmless.Messages = nil
		for _, m := range r.Messages {
			if m.Text("") != "" {
				m.Content = chat.Text("x")
			}
			harmless.Messages = append(harmless.Messages, m)
		}
		q, err := d.Render(&harmless)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := strings.Join(count(p), ""), strings.Join(count(q), ""); a != b {
			t.Fatalf("%s: texts change the tokens:\n%s\n%s", d.info.Name, a, b)
		}
	})
}

// templateOf names the golden template that a dialect was made from.
var templateOf = map[string]string{
	"deepseek-llm": "deepseek-ai-DeepSeek-V2", "deepseek-coder": "deepseek-ai-deepseek-coder-33b-instruct", "deepseek-v3": "deepseek-ai-DeepSeek-V3",
	"deepseek-r1": "deepseek-ai-DeepSeek-R1-Distill-Llama-8B", "deepseek-r1-0528": "deepseek-ai-DeepSeek-R1-0528", "deepseek-v3.1": "deepseek-ai-DeepSeek-V3.1-official",
}

// TestGoldenTemplates compares random conversations with the published
// templates, with calls where a template writes them well.
func TestGoldenTemplates(t *testing.T) {
	templates := goldenTemplates(t)
	for name, file := range templateOf {
		d, err := New(name)
		if err != nil {
			t.Fatal(err)
		}
		source, ok := templates[file]
		if !ok {
			continue // the project's own copy of the goldens has a selection
		}
		tmpl, err := chat.NewTemplate(chat.ModelInfo{Template: source, BOS: tokBegin, EOS: tokEnd})
		if err != nil {
			t.Fatal(err)
		}
		calls := name == "deepseek-r1-0528" || name == "deepseek-v3.1"
		rapid.Check(t, func(t *rapid.T) {
			r := drawRequest(t, calls)
			got, err := d.Render(r)
			if err != nil {
				t.Fatal(err)
			}
			want, err := tmpl.Render(r)
			if err != nil {
				t.Fatal(err)
			}
			if got.Text() != want.Text() {
				t.Fatalf("%s:\n got %q\nwant %q", name, got.Text(), want.Text())
			}
		})
	}
}

func TestErrors(t *testing.T) {
	user := chat.Message{Role: chat.User, Content: chat.Text("u")}
	result := chat.Message{Role: chat.ToolRole, Content: chat.Text("r"), ToolCallID: "1"}
	calls := func(arguments string) chat.Message {
		return chat.Message{Role: chat.Assistant, ToolCalls: []chat.ToolCall{{ID: "1", Name: "f", Arguments: arguments}}}
	}
	f := func(name string, r *chat.Request, want string) {
		t.Helper()
		d, err := New(name)
		if err != nil {
			t.Fatal(err)
		}
		_, err = d.Render(r)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), name+": ") {
			t.Errorf("%s: got the error %v, want one with %q", name, err, want)
		}
	}
	f("deepseek-v3", &chat.Request{Messages: []chat.Message{{Role: "owl"}}}, `message 0 has the unknown role "owl"`)
	f("deepseek-v3", &chat.Request{Messages: []chat.Message{{Role: chat.User, Content: []chat.Part{{Kind: 9}}}}}, "no text")
	f("deepseek-llm", &chat.Request{Messages: []chat.Message{user}, Tools: []chat.Tool{{Name: "f"}}}, "does not support tools (1 given)")
	f("deepseek-coder", &chat.Request{Messages: []chat.Message{user, calls("{}"), result}}, "message 1 is part of a call")
	f("deepseek-v3.2", &chat.Request{Messages: []chat.Message{user, result}}, "message 1 is the result of no call")
	f("deepseek-v3.2", &chat.Request{Messages: []chat.Message{user, calls("[]"), result}}, "not a JSON object")
	f("deepseek-v4", &chat.Request{Messages: []chat.Message{user, result}}, "message 1 is the result of no call")
	f("deepseek-v4", &chat.Request{Messages: []chat.Message{user}, Tools: []chat.Tool{{Name: "f", Parameters: []byte("{")}}}, `tool "f": parameters: json: `)
	f("deepseek-v4.1", &chat.Request{Messages: []chat.Message{user}, Output: chat.Output{Kind: chat.OutputSchema, Schema: []byte("x")}}, "the schema of the answer")
	d, _ := New("deepseek-v4")
	r := &chat.Request{Messages: []chat.Message{user}, Tools: []chat.Tool{{Name: "f"}}, ToolChoice: chat.ToolChoice{Mode: chat.ToolRequired}}
	if p, err := d.Render(r); err != nil || p.Start != chat.StartToolCalls {
		t.Errorf("a required call without a word about thinking: %v %v", p, err)
	}
	r.Thinking = new(true)
	if _, err := d.Render(r); !errors.Is(err, ErrThinkingChoice) {
		t.Errorf("a required call while thinking: %v", err)
	}
}

func TestToolTexts(t *testing.T) {
	r := &chat.Request{
		Messages: []chat.Message{{Role: chat.System, Content: chat.Text("S")}, {Role: chat.User, Content: chat.Text("u")}},
		Tools:    []chat.Tool{{Name: "f", Description: "d", Parameters: []byte(`{"type":"object"}`)}},
	}
	want := tokBegin + "S\n\n## Tools\n\n### Function\n\nYou have the following functions available:\n\n- `f`:\n```json\n{\n    \"name\": \"f\",\n    \"description\": \"d\",\n    \"parameters\": {\n        \"type\": \"object\"\n    }\n}\n```\n" + tokUser + "u" + tokAssistant
	d, _ := New("deepseek-v3")
	if p, err := d.Render(r); err != nil || p.Text() != want {
		t.Errorf("got %q, %v, want %q", p.Text(), err, want)
	}
}

func BenchmarkRender(b *testing.B) {
	d, _ := New("deepseek-v4")
	r := &chat.Request{Tools: []chat.Tool{{Name: "f", Parameters: []byte(`{"type":"object","properties":{"a":{"type":"string"}}}`)}}}
	for range 20 {
		r.Messages = append(r.Messages, chat.Message{Role: chat.User, Content: chat.Text("What is it?")},
			chat.Message{Role: chat.Assistant, Content: chat.Text("It is this."), ToolCalls: []chat.ToolCall{{ID: "1", Name: "f", Arguments: `{"a":"b","c":[1,2]}`}}},
			chat.Message{Role: chat.ToolRole, ToolCallID: "1", Content: chat.Text("done")})
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Render(r); err != nil {
			b.Fatal(err)
		}
	}
}
