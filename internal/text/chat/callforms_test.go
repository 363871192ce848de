package chat

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/holdfast-llm/holdfast/internal/text/chat/chattest"
)

// typed are tools whose schemas tell what is a string.
var typed = ParserOptions{Tools: true, Clean: true, Names: []string{"f", "get_weather"}, Stop: []string{"STOP"}, Declared: []Tool{
	{Name: "f", Parameters: json.RawMessage(`{"type": "object", "properties": {"a": {"type": "integer"}, "s": {"type": "string"}, "n": {"anyOf": [{"type": "string"}, {"type": "null"}]},
		"l": {"type": "array"}, "b": {"type": "boolean"}, "any": {}}}`)},
	{Name: "get_weather"},
}}

func TestTaggedCalls(t *testing.T) {
	var form string
	f := func(text string, cut bool, want said) {
		t.Helper()
		for n := 1; n <= len(text)+1; n++ {
			got := parseCalls(newAnswerParser(knownTags[0], form, StartAuto, typed), pieces(text, n), cut)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s: %q in pieces of %d: %s", form, text, n, d)
				return
			}
		}
	}
	one := []ToolCall{{Name: "f", Arguments: `{"a": 1}`}}
	two := []ToolCall{{Name: "f", Arguments: `{"a": 1}`}, {Name: "get_weather", Arguments: "{}"}}
	called := func(calls ...ToolCall) said { return said{Calls: calls, Reason: FinishToolCalls} }

	form = CallsKimi
	const section, over = "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"
	kimi := func(id, args string) string {
		return "<|tool_call_begin|>" + id + "<|tool_call_argument_begin|>" + args + "<|tool_call_end|>"
	}
	f(section+kimi("functions.f:0", `{"a": 1}`)+over, false, called(one...))
	f("<think>hm <|tool_call</think>I look.\n"+section+" "+kimi(" functions.f:12 ", ` {"a": 1}`)+"\n"+kimi("get_weather", "")+over+"\n", false,
		said{Reasoning: "hm <|tool_call", Content: "I look.", Calls: two, Reason: FinishToolCalls})
	f("<think>hm\n"+section+kimi("functions.f:0", `{"a": 1}`)+over+"</think>", false, said{Reasoning: "hm", Calls: one, Reason: FinishToolCalls})
	f(section+kimi("functions.f:0", `{"s": "a <|tool_call_end|> \" <|tool_calls_section_end|>"}`)+over+"after", false,
		said{Content: "after", Calls: []ToolCall{{Name: "f", Arguments: `{"s": "a <|tool_call_end|> \" <|tool_calls_section_end|>"}`}}, Reason: FinishToolCalls})
	f(section+kimi("functions.a:b:3", `{}`), false, called(ToolCall{Name: "a:b", Arguments: "{}"}))
	f(section+"<|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{\"a\": 1<|tool_ca", true, said{Calls: []ToolCall{{Name: "f", Arguments: `{"a": 1`}}, Reason: FinishLength})
	f(section+"<|tool_call_begin|>functions.f", true, said{Reason: FinishLength})
	f("text <|tool_", true, said{Content: "text ", Reason: FinishLength})
	f("text <|tool_calls_sec", false, said{Content: "text ", Reason: FinishStop})
	f("a < b STOP c", false, said{Content: "a < b ", Reason: FinishStop, Stop: "STOP"})

	form = CallsQwenCoder
	f("<tool_call>\n<function=f>\n<parameter=a>\n1\n</parameter>\n</function>\n</tool_call>", false, called(one...))
	f("I look.\n\n<tool_call>\n<function=f>\n<parameter=a>\n1\n</parameter>\n</function>\n</tool_call>\n<tool_call>\n<function=get_weather>\n</function>\n</tool_call>", false,
		said{Content: "I look.", Calls: two, Reason: FinishToolCalls})
	f("<function=f>\n<parameter=a>\n1\n</parameter>\n</function>", false, called(one...)) // without its outer tags
	f("<tool_call>\n<function=f>\n<parameter=s>\n\n 1 \"é\"\n</func\t\n\n</parameter>\n<parameter=n>\nnull\n</parameter>\n<parameter=b>\nTrue\n</parameter>\n<parameter=l>\n[\"</parameter>\"]\n</parameter>\n</function>\n</tool_call>", false,
		called(ToolCall{Name: "f", Arguments: `{"s": "\n 1 \"é\"\n</func\t\n", "n": null, "b": true, "l": ["</parameter>"]}`}))
	f("<tool_call>\n<function=f>\n<parameter=n>\nnullable\n</parameter>\n<parameter=a>\nseven\n</parameter>\n<parameter=any>\nNone\n</parameter>\n<parameter=x>\n{\"y\": 2}\n</parameter>\n</function>\n</tool_call>", false,
		called(ToolCall{Name: "f", Arguments: `{"n": "nullable", "a": "seven", "any": null, "x": {"y": 2}}`}))
	f("<tool_call>\n<function=f>\n<parameter=s></parameter><parameter=any>\n</parameter></function></tool_call>", false, called(ToolCall{Name: "f", Arguments: `{"s": "", "any": ""}`}))
	f("<tool_call>\n<function=f>\n<parameter=s>\nabc\n</para", true, said{Calls: []ToolCall{{Name: "f", Arguments: `{"s": "abc`}}, Reason: FinishLength})
	f("<tool_call>\n<function=f>\n<parameter=s>\nabc", false, called(ToolCall{Name: "f", Arguments: `{"s": "abc"}`}))
	f("<tool_call>\n<function=f>\n<parameter=a>\n12", true, said{Calls: []ToolCall{{Name: "f", Arguments: `{"a": `}}, Reason: FinishLength})
	f("<tool_call>\n<function=f>\n<parameter=a>\n12", false, called(ToolCall{Name: "f", Arguments: `{"a": 12}`}))
	f("<tool_call>\n<function=></function>\n</tool_call>.", false, said{Content: ".", Reason: FinishStop})
	f("text <func", false, said{Content: "text ", Reason: FinishStop})

	form = CallsGLM
	f("<tool_call>f\n<arg_key>a</arg_key>\n<arg_value>1</arg_value>\n</tool_call>\n<tool_call>get_weather\n</tool_call>", false, called(two...))
	f("<tool_call>f<arg_key>s</arg_key><arg_value>\n1</arg_value><arg_key>a</arg_key><arg_value>2</arg_value></tool_call>", false, called(ToolCall{Name: "f", Arguments: `{"s": "\n1", "a": 2}`}))
	f("<tool_call></tool_call>\nx", false, said{Content: "x", Reason: FinishStop})

	form = CallsMiniMax
	f("<minimax:tool_call>\n<invoke name=\"f\">\n<parameter name=\"a\">1</parameter>\n</invoke>\n<invoke name=\"get_weather\">\n</invoke>\n</minimax:tool_call>", false, called(two...))

	form = CallsMistral
	f(`[TOOL_CALLS][{"name": "f", "arguments": {"a": 1}, "id": "abcdefghi"}, {"name": "get_weather", "arguments": {}}]`, false, called(two...))
	f(` [TOOL_CALLS] [{"arguments": {"a": 1}, "name": "f"}]`, false, said{Content: " ", Calls: one, Reason: FinishToolCalls})
	f(`I look.[TOOL_CALLS]f[ARGS]{"a": 1}[TOOL_CALLS]get_weather[ARGS]{}`, false, said{Content: "I look.", Calls: two, Reason: FinishToolCalls})
	f(`[TOOL_CALLS]f[CALL_ID]abcdefghi[ARGS]{"a": 1}[TOOL_CALLS]get_weather[CALL_ID]abcdefgh2[ARGS] {}`, false, called(two...))
	f(`[TOOL_CALLS]f{"a": 1}`, false, called(one...))
	f(`[TOOL_CALLS]f[ARGS]{"s": "}[TOOL_CALLS]"} x`, false, said{Content: "x", Calls: []ToolCall{{Name: "f", Arguments: `{"s": "}[TOOL_CALLS]"}`}}, Reason: FinishToolCalls})
	f(`[TOOL_CALLS]f[ARGS]`, false, called(ToolCall{Name: "f", Arguments: "{}"}))
	f(`[TOOL_CALLS]f[ARGS]{"a": `, true, said{Calls: []ToolCall{{Name: "f", Arguments: `{"a": `}}, Reason: FinishLength})
	f(`[TOOL_CALLS]{"name": "f", "arguments": {"a": 1}}.`, false, said{Content: ".", Calls: one, Reason: FinishToolCalls})
	f(`[TOOL_CALLS][{"nam": 1}, {"name": "f", "arguments": {"a": 1}}]`, false, called(one...))
	f("text [TOOL_", true, said{Content: "text ", Reason: FinishLength})
}

// TestCallFormsAnyCut is the law of parsers, for the forms with marks and tags.
func TestCallFormsAnyCut(t *testing.T) {
	forms := make([]string, 0, len(callForms))
	for name, f := range callForms {
		if f.block != nil {
			forms = append(forms, name)
		}
	}
	slices.Sort(forms)
	word := rapid.SampledFrom([]string{
		"<think>", "</think>", "\n", "a", "é", " ", "STOP", "{", "}", `"`, `\`, ",", "[", "]", "1", "null", "True", `{"a": 1}`, `"a"`, "f", "s", "n", "any", ">", "<", "</",
		kimiSection, kimiSectionEnd, kimiCall, kimiArguments, kimiCallEnd, "<|tool_", "functions.f:0", kimiSection + kimiCall + "functions.f:0" + kimiArguments,
		callOpen, callClose, "<function=", "<function=f>\n", "</function>", "<parameter=", "<parameter=s>\n", "<parameter=any>", "</parameter>", "\n</parameter>\n",
		"<tool_call>\n<function=f>\n<parameter=n>\n", "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>", "<tool_call>f\n<arg_key>s</arg_key>\n<arg_value>",
		"<minimax:tool_call>", "</minimax:tool_call>", `<invoke name="f">`, `<parameter name="s">`, "</invoke>",
		mistralCalls, mistralID, mistralArgs, "[TOOL_", mistralCalls + "f" + mistralArgs + "{", `[TOOL_CALLS][{"name": "f", "arguments": {"a": 1}}`, `"name": "f"`,
	})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(word, 0, 14).Draw(t, "words"), "")
		form := rapid.SampledFrom(forms).Draw(t, "form")
		start := ParseStart(rapid.IntRange(0, 4).Draw(t, "start"))
		ended := rapid.Bool().Draw(t, "cut off")
		var cuts []string
		for rest := text; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "cut")
			cuts, rest = append(cuts, rest[:n]), rest[n:]
		}
		whole := parseCalls(newAnswerParser(knownTags[0], form, start, typed), []string{text}, ended)
		got := parseCalls(newAnswerParser(knownTags[0], form, start, typed), cuts, ended)
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

// TestTemplatesOfForms: each form is recognised, and reads back what it shows.
func TestTemplatesOfForms(t *testing.T) {
	for form := range callForms {
		m := ModelInfo{Template: chattest.Templates[form]}
		if own := bare(t, m).Info(); !own.Tools || own.Calls != form {
			t.Errorf("%s is taken for %+v", form, own)
		}
		r := &Request{Tools: typed.Declared, Messages: []Message{
			turn(User, "<tool_call>[TOOL_CALLS]"),
			{Role: Assistant, ToolCalls: []ToolCall{{ID: "call_1", Name: "f", Arguments: `{"a": 1, "s": "12", "n": null, "l": ["</parameter>", {}], "b": true}`}}},
			{Role: ToolRole, ToolCallID: "call_1", Content: Text("31")},
			turn(User, "So?"),
		}}
		p := mustRender(t, m, r)
		text := p.Text()
		from := strings.Index(text, "<assistant>") + len("<assistant>")
		got := parseCalls(mustFormat(t, m).NewParser(StartContent, r.ParserOptions()), []string{text[from:strings.Index(text, "<tool>31")]}, false)
		if len(got.Calls) != 1 || got.Content != "" || !sameJSON(got.Calls[0].Arguments, r.Messages[1].ToolCalls[0].Arguments) {
			t.Errorf("%s: %q reads as %+v", form, text, got)
		}
		for _, s := range p.Spans {
			if !s.Template && strings.Contains(s.Text, "12") && strings.Contains(s.Text, "<") {
				t.Errorf("%s: markup is marked as a user's: %q", form, s.Text)
			}
		}
	}
}

func TestCallIDs(t *testing.T) {
	msgs := []Message{
		turn(User, "?"),
		{Role: Assistant, ToolCalls: []ToolCall{{ID: "call_00_x", Name: "f"}, {ID: "abcdefghi", Name: "g"}, {Name: "h"}}},
		{Role: ToolRole, ToolCallID: "abcdefghi"},
		{Role: ToolRole, ToolCallID: "call_00_x"},
		{Role: ToolRole},
		{Role: ToolRole, ToolCallID: "lost", Name: "k"},
	}
	f := func(form string, want ...string) {
		t.Helper()
		var got []string
		for _, m := range formOf(form).withIDs(msgs) {
			for _, c := range m.ToolCalls {
				got = append(got, c.ID)
			}
			if m.Role == ToolRole {
				got = append(got, m.ToolCallID)
			}
		}
		if form == CallsMistral {
			for i, id := range got {
				if !mistralOwnID.MatchString(id) {
					t.Errorf("id %q", id)
				}
				got[i] = want[i] // the others are compared by what they belong to
				if (id == "abcdefghi") != (want[i] == "abcdefghi") {
					t.Errorf("id %d is %q", i, id)
				}
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", form, got, want)
		}
	}
	f(CallsHermes, "call_00_x", "abcdefghi", "", "abcdefghi", "call_00_x", "", "lost")
	f(CallsKimi, "functions.f:0", "functions.g:1", "functions.h:2", "functions.g:1", "functions.f:0", "functions.h:2", "functions.k:0")
	f(CallsMistral, "f", "abcdefghi", "h", "abcdefghi", "f", "h", "lost")
	a, b := formOf(CallsMistralID).withIDs(msgs), formOf(CallsMistralList).withIDs(msgs)
	if d := cmp.Diff(a, b); d != "" || a[1].ToolCalls[0].ID != a[3].ToolCallID || a[1].ToolCalls[2].ID != a[4].ToolCallID {
		t.Errorf("%+v %s", a, d)
	}
	if msgs[1].ToolCalls[0].ID != "call_00_x" {
		t.Error("the request was changed")
	}
}

func TestResultsInOrder(t *testing.T) {
	f := func(want string, results ...string) {
		t.Helper()
		msgs := []Message{turn(User, "?"), {Role: Assistant, ToolCalls: []ToolCall{{ID: "a"}, {ID: "b"}, {ID: "c"}, {}}}}
		for _, id := range results {
			msgs = append(msgs, Message{Role: ToolRole, ToolCallID: id})
		}
		msgs = append(msgs, turn(User, "So?"))
		got := ""
		for _, m := range resultsInOrder(msgs) {
			got += m.ToolCallID
		}
		if got != want {
			t.Errorf("%q become %q, want %q", results, got, want)
		}
		for i, id := range results {
			if msgs[2+i].ToolCallID != id {
				t.Error("the request was changed")
			}
		}
	}
	f("")
	f("abc", "a", "b", "c")
	f("abc", "c", "a", "b")
	f("bc", "c", "b")
	f("cxa", "c", "x", "a")
	f("ca", "c", "", "a")
}

func TestParamKinds(t *testing.T) {
	f := func(schema string, want ParamKind) {
		t.Helper()
		root := `{"type": "object", "properties": {"x": ` + schema + `}, "$defs": {"S": {"type": "string"}, "L": {"$ref": "#/$defs/L"}, "a/b": {"enum": ["x", null]}}}`
		for _, s := range []string{root, `{"$ref": "#/$defs/T", "$defs": {"S": {"type": "string"}, "L": {}, "a/b": {"enum": ["x", null]}, "T": ` + root + `}}`} {
			if got := ParamKinds(json.RawMessage(s))["x"]; got != want {
				t.Errorf("%s: %d, want %d", s, got, want)
			}
		}
	}
	f(`{"type": "string", "minLength": 1}`, ParamText)
	f(`{"type": ["string"]}`, ParamText)
	f(`{"type": ["string", "null"]}`, ParamTextOrNull)
	f(`{"type": ["string", "null"], "enum": ["a", "b"]}`, ParamText)
	f(`{"anyOf": [{"type": "string"}, {"type": "null"}]}`, ParamTextOrNull)
	f(`{"oneOf": [{"const": "a"}, {"$ref": "#/$defs/S"}]}`, ParamText)
	f(`{"enum": ["a", null]}`, ParamTextOrNull)
	f(`{"$ref": "#/$defs/a~1b"}`, ParamTextOrNull)
	f(`{"allOf": [{}, {"$ref": "#/$defs/S"}]}`, ParamText)
	f(`{"const": null}`, ParamJSON)
	f(`{"type": "string", "const": "null"}`, ParamText)
	f(`{"type": ["string", "integer"]}`, ParamJSON)
	f(`{"enum": ["a", 1]}`, ParamJSON)
	f(`{"$ref": "#/$defs/L"}`, ParamJSON)
	f(`{"$ref": "other.json"}`, ParamJSON)
	f(`{}`, ParamJSON)
	f(`true`, ParamJSON)
	f(`{"type": 5}`, ParamJSON)
	if got := ParamKinds(nil); len(got) != 0 {
		t.Errorf("%v", got)
	}
}
