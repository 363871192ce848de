package llm

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
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
