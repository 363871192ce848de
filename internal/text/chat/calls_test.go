package chat

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/holdfast-llm/holdfast/internal/golden"
)

// said is what a parser made of an answer with calls.
type said struct {
	Reasoning, Content string
	Calls              []ToolCall
	Reason             FinishReason
	Stop               string
}

func parseCalls(p Parser, pieces []string, cut bool) said {
	var a said
	add := func(events []Event) {
		for _, e := range events {
			switch e := e.(type) {
			case ThinkingDelta:
				a.Reasoning += e.Text
			case TextDelta:
				a.Content += e.Text
			case ToolCallDelta:
				for len(a.Calls) <= e.Index {
					a.Calls = append(a.Calls, ToolCall{})
				}
				a.Calls[e.Index].Name += e.Name
				a.Calls[e.Index].Arguments += e.Arguments
			case Done:
				a.Reason, a.Stop = e.Reason, e.Stop
			}
		}
	}
	for _, s := range pieces {
		add(p.Push(s))
	}
	add(p.Close(cut))
	return a
}

var declared = ParserOptions{Tools: true, Names: []string{"f", "get_weather"}, Stop: []string{"STOP"}}

func TestCalls(t *testing.T) {
	var form string
	f := func(text string, cut bool, want said) {
		t.Helper()
		for n := 1; n <= len(text)+1; n++ {
			got := parseCalls(newAnswerParser(knownTags[0], form, StartAuto, declared), pieces(text, n), cut)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s: %q in pieces of %d: %s", form, text, n, d)
				return
			}
		}
	}
	one := []ToolCall{{Name: "f", Arguments: `{"a": 1}`}}
	form = CallsHermes
	f("<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>", false, said{Calls: one, Reason: FinishToolCalls})
	f("<think>\nhm <tool_call> hm\n</think>\n\nLet me see.\n\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>\n", false,
		said{Reasoning: "hm <tool_call> hm", Content: "Let me see.", Calls: one, Reason: FinishToolCalls})
	f("<tool_call>{\"arguments\":{\"a\": 1},\"name\":\"f\"}</tool_call>\n<tool_call>\n{\"name\": \"g\"}\n</tool_call>", false,
		said{Calls: []ToolCall{one[0], {Name: "g", Arguments: "{}"}}, Reason: FinishToolCalls})
	f("<tool_call>{\"name\": \"f\", \"id\": 1.5e3, \"x\": [1, \"]\"], \"arguments\": {\"s\": \"</tool_call> STOP } \\\" \\\\\"}}</tool_call>after", false,
		said{Content: "after", Calls: []ToolCall{{Name: "f", Arguments: `{"s": "</tool_call> STOP } \" \\"}`}}, Reason: FinishToolCalls})
	f("<tool_call>{\"name\": \"f\", \"arguments\": \"{\\\"a\\\": 1}\"}", false, said{Calls: one, Reason: FinishToolCalls})
	f("<tool_call>{\"name\": \"f\", \"parameters\": null}", false, said{Calls: []ToolCall{{Name: "f", Arguments: "{}"}}, Reason: FinishToolCalls})
	f("<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}\n</tool_call>\n<tool_call>{\"name\": \"g\", \"arguments\": {}}", false, // a brace is missing
		said{Calls: []ToolCall{one[0], {Name: "g", Arguments: "{}"}}, Reason: FinishToolCalls})
	f("<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": ", true, said{Calls: []ToolCall{{Name: "f", Arguments: `{"a": `}}, Reason: FinishLength})
	f("x\n\n<tool_call>\n{\"na", true, said{Content: "x", Reason: FinishLength})
	f("A <tool_call> is a tag. STOP it", false, said{Content: "A <tool_call> is a tag. ", Reason: FinishStop, Stop: "STOP"})
	f("text\n\n", false, said{Content: "text\n\n", Reason: FinishStop})
	// A piece of a tag is no text for anybody, nor is what ends with the tokens.
	f("a <tool_", false, said{Content: "a ", Reason: FinishStop})
	f("a <to", false, said{Content: "a <to", Reason: FinishStop})
	f("a <to", true, said{Content: "a ", Reason: FinishLength})
	f("a </tool_call", true, said{Content: "a ", Reason: FinishLength})
	f("<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool", true, said{Calls: one, Reason: FinishLength})
	f("<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>\n<tool_c", true, said{Calls: one, Reason: FinishLength})
	f("<tool_call>{\"name\": \"\"}", false, said{Content: "<tool_call>{\"name\": \"\"}", Reason: FinishStop})

	form = CallsLlama
	f("{\"name\": \"f\", \"parameters\": {\"a\": 1}}", false, said{Calls: one, Reason: FinishToolCalls})
	f("\n<|python_tag|>{\"name\": \"f\", \"parameters\": {\"a\": 1}}; {\"name\": \"get_weather\", \"parameters\": {}}", false,
		said{Calls: []ToolCall{one[0], {Name: "get_weather", Arguments: "{}"}}, Reason: FinishToolCalls})
	f("{\"name\": \"Ann\", \"age\": 7}", false, said{Content: "{\"name\": \"Ann\", \"age\": 7}", Reason: FinishStop})
	f("{\"age\": 7} STOP", false, said{Content: "{\"age\": 7} ", Reason: FinishStop, Stop: "STOP"})
	f("Call {\"name\": \"f\", \"parameters\": {}}", false, said{Content: "Call {\"name\": \"f\", \"parameters\": {}}", Reason: FinishStop})
	f("{\"na", true, said{Content: "{\"na", Reason: FinishLength})
	f(" ", false, said{Content: " ", Reason: FinishStop})
}

// TestCallsAnyCut is the law of parsers, with calls.
func TestCallsAnyCut(t *testing.T) {
	word := rapid.SampledFrom([]string{
		"<think>", "</think>", "\n", "a", "é", " ", "STOP", "<tool_call>", "</tool_call>", "<tool_", "call>", "{", "}", `"`, `\`, ",", "[", "]", "1", "null", ";",
		`{"name": "f", "arguments": {"a": 1}}`, `{"name": "f", "arguments": `, `"name": "f"`, `{"name": "get_weather", "parameters": {"x": "}STOP"}}`,
		`"arguments": {}`, "<|python_tag|>", "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": \"", "\"}}\n</tool_call>",
	})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(word, 0, 12).Draw(t, "words"), "")
		start := ParseStart(rapid.IntRange(0, 4).Draw(t, "start"))
		form := rapid.SampledFrom([]string{CallsHermes, CallsLlama}).Draw(t, "form")
		ended := rapid.Bool().Draw(t, "cut off")
		var cuts []string
		for rest := text; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "cut")
			cuts, rest = append(cuts, rest[:n]), rest[n:]
		}
		whole := parseCalls(newAnswerParser(knownTags[0], form, start, declared), []string{text}, ended)
		got := parseCalls(newAnswerParser(knownTags[0], form, start, declared), cuts, ended)
		if d := cmp.Diff(whole, got); d != "" {
			t.Fatalf("%s: %q from %v: cut into %q: %s", form, text, start, cuts, d)
		}
		for _, c := range whole.Calls {
			if c.Name == "" {
				t.Fatalf("%s: %q gives a call without a name", form, text)
			}
		}
	})
}

func FuzzCalls(f *testing.F) {
	f.Add("<think>a</think>b<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": [1, \"x\"]}}</tool_call>", true, uint8(3))
	f.Add("{\"name\": \"f\", \"parameters\": {\"a\": \"\\\"}\"}}", false, uint8(1))
	f.Fuzz(func(t *testing.T, text string, hermes bool, n uint8) {
		form := CallsLlama
		if hermes {
			form = CallsHermes
		}
		whole := parseCalls(newAnswerParser(knownTags[0], form, StartAuto, declared), []string{text}, false)
		cut := parseCalls(newAnswerParser(knownTags[0], form, StartAuto, declared), pieces(text, int(n%16)+1), false)
		if d := cmp.Diff(whole, cut); d != "" {
			t.Errorf("%q: whole and in pieces: %s", text, d)
		}
	})
}

// TestGoldenCallForms looks at what published templates are found to do.
func TestGoldenCallForms(t *testing.T) {
	dir := filepath.Join(golden.Dir(t, "prompts"), "jinja", "templates")
	files, _ := filepath.Glob(filepath.Join(dir, "*.jinja"))
	known := 0
	want := map[string]string{
		"Qwen-Qwen2.5-7B-Instruct": CallsHermes, "Qwen-Qwen3-0.6B": CallsHermes, "Qwen-QwQ-32B": CallsHermes,
		"NousResearch-Hermes-3-Llama-3.1-8B-tool_use": CallsHermes,
		"meta-llama-Llama-3.1-8B-Instruct":            CallsLlama, "meta-llama-Llama-3.2-3B-Instruct": CallsLlama,
		"Kimi-K2-Instruct": CallsKimi, "Kimi-K2-Thinking": CallsKimi, "moonshotai-Kimi-K2": CallsKimi,
		"Qwen3-Coder": CallsQwenCoder, "Qwen3.5-4B": CallsQwenCoder, "GLM-4.6": CallsGLM, "MiniMax-M2": CallsMiniMax,
		"mistralai-Mistral-Nemo-Instruct-2407": CallsMistralList, "Mistral-Small-3.2-24B-Instruct-2506": CallsMistralID,
	}
	for _, path := range files {
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(path), ".jinja")
		m := ModelInfo{Template: string(source), BOS: "<s>", EOS: "</s>"}
		own, given := bare(t, m).Info(), mustFormat(t, m).Info()
		if own.Calls != want[name] {
			t.Errorf("%s: calls %q, want %q", name, own.Calls, want[name])
		}
		known += len(want[name])
		if !given.Tools || given.Calls == "" {
			t.Errorf("%s has no tools: %+v", name, given)
		}
		showsTools(t, name, mustFormat(t, m))
	}
	if known == 0 {
		t.Error("there is no template whose form is known")
	}
}

// showsTools renders a conversation with a tool, a call and a result, and looks
// for all of it in the prompt, read back by the format's own parser.
func showsTools(t *testing.T, name string, f Format) {
	t.Helper()
	r := &Request{
		Messages: []Message{
			turn(System, "You are brief."),
			turn(User, "Weather in Rome?"),
			{Role: Assistant, ToolCalls: []ToolCall{{ID: "call00001", Name: "get_weather", Arguments: `{"city": "Rome"}`}}},
			{Role: ToolRole, ToolCallID: "call00001", Name: "get_weather", Content: Text(`{"degrees": 31}`)},
			turn(Assistant, "It is hot."),
			turn(User, "And in Oslo?"),
		},
		Tools: []Tool{{Name: "get_weather", Description: "Tells the weather.", Parameters: json.RawMessage(`{"type": "object", "properties": {"city": {"type": "string"}}}`)}},
	}
	p, err := f.Render(r)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	for _, s := range []string{"Tells the weather.", "brief", "31", "It is hot.", "Oslo"} {
		if !strings.Contains(p.Text(), s) {
			t.Errorf("%s: the prompt does not show %q: %s", name, s, p.Text())
		}
	}
	if f.Info().Calls == CallsLlama || f.Info().Calls == "" {
		return
	}
	got := parseCalls(f.NewParser(StartContent, r.ParserOptions()), []string{p.Text()}, false)
	for _, c := range got.Calls { // the instructions have examples, too
		if c.Name == "get_weather" && sameJSON(c.Arguments, `{"city": "Rome"}`) {
			return
		}
	}
	t.Errorf("%s: the calls in the prompt read as %+v", name, got.Calls)
}

func sameJSON(a, b string) bool {
	var x, y any
	return json.Unmarshal([]byte(a), &x) == nil && json.Unmarshal([]byte(b), &y) == nil && cmp.Equal(x, y)
}
