package llm

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/chat/chattest"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// TestDefaultToolsToTheEnd: a model whose template knows no tools calls one after
// it has thought, and only the thoughts count as reasoning.
func TestDefaultToolsToTheEnd(t *testing.T) {
	const thought, call = "Hm.</think>", "\n\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": [1, 2]}}\n</tool_call>"
	m, _ := saying(t, thinking, thought+call, 0)
	r := ask("Why?")
	r.Tools = []chat.Tool{{Name: "f"}}
	o := greedy()
	o.NewID = CallID
	a := start(t, m, r, o)
	got := collect(a)
	if d := cmp.Diff([]chat.ToolCall{{ID: a.calls[0].ID, Name: "f", Arguments: `{"a": [1, 2]}`}}, a.calls); d != "" {
		t.Error(d)
	}
	if got.text != "" || got.thinking != "Hm." || got.done.Reason != chat.FinishToolCalls {
		t.Errorf("%+v", got)
	}
	reasoning := len(m.Tokenizer().Encode(nil, tokenizer.Span{Text: thought}))
	all := len(m.Tokenizer().Encode(nil, tokenizer.Span{Text: thought + call}))
	// The token that ends the thoughts may hold a line break of what follows.
	if u := got.usage; u.ReasoningTokens < reasoning-1 || u.ReasoningTokens > reasoning || u.CompletionTokens != all {
		t.Errorf("usage %+v, want %d reasoning tokens of %d", u, reasoning, all)
	}
}

// TestNativeToolsToTheEnd: a template's own form of calls is read, and what it says
// around a call is neither text nor reasoning.
func TestNativeToolsToTheEnd(t *testing.T) {
	f := func(form, call string) {
		t.Helper()
		const thought = "Hm.</think>"
		m, _ := saying(t, chattest.Templates[form]+"<think>\n{# </think> #}", thought+call, 0)
		r := ask("Why?")
		r.Tools = []chat.Tool{{Name: "f", Parameters: []byte(`{"type": "object", "properties": {"a": {"type": "integer"}}}`)}}
		o := greedy()
		o.NewID = CallID
		a := start(t, m, r, o)
		got := collect(a)
		if len(a.calls) != 1 || a.calls[0].Name != "f" || !sameJSON(a.calls[0].Arguments, `{"a": 1}`) || a.calls[0].ID == "" {
			t.Errorf("%s: calls %+v", form, a.calls)
		}
		if got.text != "" || got.thinking != "Hm." || got.done.Reason != chat.FinishToolCalls {
			t.Errorf("%s: %+v", form, got)
		}
		if most := len(m.Tokenizer().Encode(nil, tokenizer.Span{Text: thought})); got.usage.ReasoningTokens > most {
			t.Errorf("%s: %d reasoning tokens, want at most %d", form, got.usage.ReasoningTokens, most)
		}
	}
	f(chat.CallsKimi, `<|tool_calls_section_begin|><|tool_call_begin|>functions.f:0<|tool_call_argument_begin|>{"a": 1}<|tool_call_end|><|tool_calls_section_end|>`)
	f(chat.CallsQwenCoder, "\n\n<tool_call>\n<function=f>\n<parameter=a>\n1\n</parameter>\n</function>\n</tool_call>")
	f(chat.CallsGLM, "\n<tool_call>f\n<arg_key>a</arg_key>\n<arg_value>1</arg_value>\n</tool_call>")
	f(chat.CallsMistralList, `[TOOL_CALLS][{"name": "f", "arguments": {"a": 1}, "id": "abcdefghi"}]`)
	f(chat.CallsMistralID, `[TOOL_CALLS]f[CALL_ID]abcdefghi[ARGS]{"a": 1}`)
	f(chat.CallsMistral, `[TOOL_CALLS]f[ARGS]{"a": 1}`)
}
